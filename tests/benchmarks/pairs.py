"""``python -m tests.benchmarks.pairs --images FOLDER --out OUT``: the balance.

Every pair of FOLDER/content and FOLDER/style is painted in each variant: the default as
it was (`old`) and as it is (`default`), and what the options name. Each saved picture
is measured: what is left of the structure, how far the style is reached, its border,
grain and sharpness. Results are kept in OUT as they come, and what is there is not made
again; so it may be stopped at any time, and several processes may share the work. Then
tables are printed, and OUT gets two plots and a contact sheet. Without results.jsonl
the pictures in OUT are measured again, but not painted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from lightstyle import Model, Settings, stylize
from lightstyle.arrays import Array
from lightstyle.errors import LightstyleError
from lightstyle.quality.features import Network
from lightstyle.records.expected import ExpectedResult
from lightstyle.settings.jobs import Layers, required_layers
from lightstyle.zoo import registry
from tests.benchmarks import pair_cases, pair_pictures, pair_report
from tests.benchmarks.pair_cases import CONTENT, Pair, Variant
from tests.benchmarks.pair_measures import PairJudge
from tests.benchmarks.pair_results import Line, Results

#: Plots by the measure of what is lost: the file, and what its vertical axis says.
PLOTS: Final = {
    "lost": ("balance.png", "structure kept: 1 − CFSD ÷ that of one colour"),
    "unlike": ("likeness.png", "structure kept: correlation with the content, conv4_2"),
}


class Studio:
    """Paints pairs, and has the pictures measured."""

    def __init__(self, options: argparse.Namespace, results: Results) -> None:
        self._out, self._results = options.out, results

        self._name, self._threads = options.model, options.threads
        self._models: dict[tuple[Layers, str], Model] = {}
        judge = options.judge or options.model
        info = registry.load(judge, threads=options.threads).info
        self._judge = PairJudge(Network.of(info), options.size)
        self._common = {"judge": info.weights_digest[:12], "size": options.size}

    def made(self, variant: Variant) -> dict[str, Any]:
        """What the numbers of a variant depend on."""
        if variant.settings is None:
            return self._common
        weights = self._model(variant.settings).info.weights_digest[:12]
        settings = variant.settings.as_dict()
        return {**self._common, "model": weights, "settings": settings}

    def work(self, pair: Pair, variant: Variant) -> Line | None:
        """Make and measure a picture, and keep both; None if another tool lacks it."""
        image_hwc, seconds = self._picture(pair, variant)
        if image_hwc is None:
            return None
        measures = self._judge.measure(pair, image_hwc)
        names = pair.content.stem, pair.style.stem, variant.name, variant.curve
        line = Line(*names, self.made(variant), seconds, measures)
        self._results.add(line)
        return line

    def _model(self, settings: Settings) -> Model:
        """The model that the settings need; most variants share one."""
        key = required_layers(settings, "stylize"), settings.pooling
        if key not in self._models:
            loaded = registry.load(self._name, settings, threads=self._threads)
            self._models[key] = loaded
        return self._models[key]

    def _picture(
        self, pair: Pair, variant: Variant
    ) -> tuple[Array | None, float | None]:
        if variant.folder is not None:
            path = variant.folder / f"{pair.name}.png"
            return (self._judge.fitted(path, pair) if path.exists() else None), None
        if variant.settings is None:
            return self._judge.content(pair.content)[0].image_hwc, None
        model, settings = self._model(variant.settings), variant.settings
        given = {"content": pair.content, "style": pair.style}
        path = picture_path(self._out, variant, pair)
        digest = model.info.weights_digest
        if not ExpectedResult("stylize", given, settings, digest, 8).missing(path):
            return self._judge.fitted(path, pair), None
        made = stylize(pair.content, pair.style, model=model, settings=settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
        return made.to_array()[..., :3].astype(np.float32), made.seconds


def picture_path(out: Path, variant: Variant, pair: Pair) -> Path:
    """Where the picture of a pair lies, so that its folder can be one of --others."""
    return (variant.folder or out / variant.slug) / f"{pair.name}.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Paint what is missing; print tables; return 1 if a run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pairs")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, help="how many; all by default")
    parser.add_argument("--model")
    parser.add_argument(
        "--judge", help="model whose features count; by default the same"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--shard", default="1/1", metavar="I/N", help="a part of the pairs"
    )
    parser.add_argument("--report", action="store_true", help="paint nothing")
    parser.add_argument("--sheet", type=int, default=6, help="pairs on the sheet")
    pair_cases.add_options(parser)
    options = parser.parse_args(arguments)
    try:
        pairs = pair_cases.choose(options.images, options.pairs)
        variants = pair_cases.variants(options)
        part, parts = map(int, options.shard.split("/"))
        options.out.mkdir(parents=True, exist_ok=True)
        results = Results(options.out / "results.jsonl")
        failed = 0
        if not options.report:
            failed = _paint(
                Studio(options, results), pairs[part - 1 :: parts], variants, results
            )
    except (LightstyleError, OSError, ValueError) as error:
        parser.error(str(error))
    _report(Results(options.out / "results.jsonl"), pairs, variants, options)
    return 1 if failed else 0


def _paint(
    studio: Studio,
    pairs: Sequence[Pair],
    variants: Sequence[Variant],
    results: Results,
) -> int:
    """Make what is missing, pair by pair; return how many runs failed."""
    made = {variant.name: studio.made(variant) for variant in variants}
    missing = [
        (pair, variant)
        for pair in pairs
        for variant in variants
        if results.missing(pair, variant, made[variant.name])
    ]
    failed = 0
    for number, (pair, variant) in enumerate(missing, 1):
        title = f"{number} of {len(missing)}: {pair.name} {variant.name}"
        try:
            line = studio.work(pair, variant)
        except LightstyleError as error:
            failed += 1
            print(f"{title}: {error}", file=sys.stderr, flush=True)
            continue
        if line is not None:
            lost, reached = (line.measures[name] for name in ("lost", "reached"))
            words = f"structure lost {lost:.2f}, style reached {reached:.2f}"
            print(f"{title}: {words}", file=sys.stderr, flush=True)
    return failed


def _report(
    results: Results,
    pairs: Sequence[Pair],
    variants: Sequence[Variant],
    options: argparse.Namespace,
) -> None:
    """Print the tables; draw the plot and the sheet."""
    lines = results.of(pairs)
    if not lines:
        print(f"no results in {options.out}", file=sys.stderr)
        return
    print(pair_report.tables(lines))
    painted = {name: found for name, found in lines.items() if name != CONTENT}
    curves: dict[str, list[str]] = {}
    for name, found in painted.items():
        curve = next(iter(found.values())).curve
        if curve:
            curves.setdefault(curve, []).append(name)
    for lost, (file, title) in PLOTS.items():
        points = {
            name: pair_report.balance(found.values(), lost)
            for name, found in painted.items()
        }
        pair_pictures.save_plot(options.out / file, title, points, curves)
    known = {variant.name: variant for variant in variants}
    shown = [known.get(name, Variant(name)) for name in painted]
    rows: dict[str, list[Path | None]] = {}
    for pair in pairs[: options.sheet]:
        paths = [picture_path(options.out, variant, pair) for variant in shown]
        there = [path if path.exists() else None for path in paths]
        rows[pair.name] = [pair.content, pair.style, *there]
    columns = ["content", "style", *painted]
    pair_pictures.save_sheet(options.out / "sheet.png", columns, rows)


if __name__ == "__main__":
    sys.exit(main())
