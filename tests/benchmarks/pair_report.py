"""Tables of the results of `pairs`: medians, the worst tenth, and both beside `old`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from tests.benchmarks.pair_cases import CONTENT, OLD_NAME
from tests.benchmarks.pair_measures import STYLE
from tests.benchmarks.pair_results import Line

Lines = Mapping[str, Mapping[str, Line]]

#: Headings, measures, and the percentile at which the worst tenth begins.
_MAIN: Final = (
    ("CFSD", "cfsd", 90),
    ("structure lost", "lost", 90),
    ("same, style = 1", "lost_to_style", 90),
    ("content term", "content_term", 90),
    ("unlike", "unlike", 90),
    ("SSIM", "ssim", 10),
    ("style reached", "reached", 10),
    ("style loss closed", "style_loss_closed", 10),
    ("colour to style", "colour_style", 90),
    ("colour to content", "colour_content", 90),
)
_FINE: Final = (
    ("grain ÷ style", "grain", 90),
    ("speckle ÷ style", "speckle", 90),
    ("edges ÷ content", "edges", 10),
    ("strokes ÷ style", "strokes", 10),
)
#: Measures whose 90th percentile over the 10th says how uneven the pairs are.
_SPREAD: Final = ("cfsd", "lost", "lost_to_style", "unlike")
_BORDER: Final = ("mean", "deviation", "gradient")


def tables(lines: Lines) -> str:
    """All tables, in Markdown."""
    return "\n".join(
        [
            "Median / where the worst tenth begins:\n",
            *_table(lines, [title for title, *_ in _MAIN] + ["seconds"], _main),
            "\nBeside `old`, on the pairs that both have; then the spread over pairs, "
            "90th ÷ 10th percentile (old's spread ÷ own):\n",
            *_table(
                {k: v for k, v in lines.items() if k != CONTENT},
                [
                    "lower CFSD",
                    "CFSD of old ÷ own",
                    "style reached ÷ old's",
                    *(title for title, name, _ in _MAIN if name in _SPREAD),
                ],
                lambda found: beside(found, lines.get(OLD_NAME, {})),
            ),
            "\nShare closed of the Wasserstein distance to the style, by layer:\n",
            *_table(lines, [*STYLE], _layers),
            "\nOuter 16 pixels over the next 48, all colours: median (5 to 95 %); then "
            "the same of a frame inside the picture:\n",
            *_table(
                lines,
                [*_BORDER, *(f"{name}, inside" for name in _BORDER)],
                _borders,
            ),
            "\nGrain and speckle where the content is flat, all colours; sharpness:\n",
            *_table(lines, [title for title, *_ in _FINE], _fine),
        ]
    )


def balance(lines: Iterable[Line], lost: str) -> tuple[float, float]:
    """Medians of style reached, and of structure kept by a measure of what is lost."""
    found = [(line.measures["reached"], 1 - line.measures[lost]) for line in lines]
    x, y = np.median(np.array(found), axis=0)
    return float(x), float(y)


def _table(
    lines: Lines,
    titles: Sequence[str],
    cells: Callable[[Mapping[str, Line]], Sequence[str]],
) -> list[str]:
    rows = [
        f"| {name} | {len(found)} | {' | '.join(cells(found))} |"
        for name, found in lines.items()
    ]
    titles = ["variant", "pairs", *titles]
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *rows]


def _main(found: Mapping[str, Line]) -> list[str]:
    seconds = [each.seconds for each in found.values() if each.seconds is not None]
    time = f"{np.median(seconds):.1f}" if seconds else ""
    return [_with_worst(found, name, percent) for _, name, percent in _MAIN] + [time]


def _fine(found: Mapping[str, Line]) -> list[str]:
    return [_with_worst(found, name, percent) for _, name, percent in _FINE]


def _layers(found: Mapping[str, Line]) -> list[str]:
    return [_worst(_values(found, "closed", layer), 10) for layer in STYLE]


def _borders(found: Mapping[str, Line]) -> list[str]:
    cells = []
    for place in ("border", "inside"):
        for name in _BORDER:
            low, middle, high = np.percentile(_values(found, place, name), [5, 50, 95])
            cells.append(f"{middle:.2f} ({low:.2f}–{high:.2f})")
    return cells


def beside(found: Mapping[str, Line], old: Mapping[str, Line]) -> list[str]:
    """Cells that compare a variant with `old`, on the pairs that both have."""
    shared = [pair for pair in found if pair in old]
    if not shared:
        return [""] * (3 + len(_SPREAD))
    ours, theirs = ({pair: each[pair] for pair in shared} for each in (found, old))
    own, others = (_values(each, "cfsd") for each in (ours, theirs))
    reached, before = (_values(each, "reached") for each in (ours, theirs))
    ratios = np.maximum(others, 1e-12) / np.maximum(own, 1e-12)
    spreads = []
    for name in _SPREAD:
        spread, other = (_spread(_values(each, name)) for each in (ours, theirs))
        spreads.append(f"{spread:.2f} ({other / spread:.2f})")
    return [
        f"{100 * np.mean(own < others):.0f} %",
        f"{np.median(ratios):.2f}",
        f"{np.median(reached / np.where(before == 0, np.nan, before)):.2f}",
        *spreads,
    ]


def _spread(values: Any) -> float:
    low, high = np.percentile(values, [10, 90])
    return float((high + 1e-12) / (low + 1e-12))


def _with_worst(found: Mapping[str, Line], name: str, percent: int) -> str:
    return _worst(_values(found, name), percent)


def _worst(values: Any, percent: int) -> str:
    middle, worst = np.percentile(values, [50, percent])
    return f"{middle:.3f} / {worst:.3f}"


def _values(found: Mapping[str, Line], *names: str) -> Any:
    """The numbers of a measure, all colours one after the other if it has colours."""
    values = []
    for line in found.values():
        value: Any = line.measures
        for name in names:
            value = value[name]
        values.append(value)
    return np.ravel(values)
