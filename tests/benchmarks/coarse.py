"""``python -m tests.benchmarks.coarse``: coarse to fine against one level.

A run with levels comes first; then one without for as many seconds. Both losses are of
the final size, so they can be compared.
"""

import json
from argparse import ArgumentParser
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import lightstyle
from lightstyle import Model, Progress, Settings
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.zoo import registry
from tests.benchmarks import machine
from tests.benchmarks.task import SETTINGS

_DEMO = Path(lightstyle.__file__).parent / "demo"


@dataclass(frozen=True)
class Pair:
    """Two pictures, and what the table calls them."""

    name: str
    content: Path
    style: Path


@dataclass(frozen=True)
class Found:
    """Loss and evaluations after some seconds, of targets too."""

    seconds: float
    evaluations: int
    loss: float
    share: float  # of the content term in the loss

    def __str__(self) -> str:
        """Loss and evaluations."""
        return f"{self.loss:.4e} ({self.evaluations})"


def pairs(images: Path | None) -> list[Pair]:
    """The demonstration's, and two of the folder `images`."""
    found = [Pair("demo", _DEMO / "scene.jpg", _DEMO / "painting.jpg")]
    if images is None:
        return found
    names = {
        "tubingen": "starry_night_google",
        "golden_gate": "the_scream",
    }
    return found + [
        Pair(
            f"{content} × {style}",
            images / "content" / f"{content}.jpg",
            images / "style" / f"{style}.jpg",
        )
        for content, style in names.items()
    ]


def run(
    pair: Pair, model: Model, settings: Settings, seconds: float, picture: Path | None
) -> Found:
    """Make the picture, in no more than so many seconds."""

    def watch(progress: Progress) -> None:
        if progress.seconds >= seconds:
            raise StopIteration

    result = lightstyle.stylize(
        pair.content, pair.style, model=model, settings=settings, callback=watch
    )
    if picture is not None:
        result.save(picture)
    best = min(result.history, key=lambda losses: abs(losses.total - result.loss))
    content = sum(v for name, v in best.terms.items() if name.startswith("content"))
    return Found(result.seconds, result.evaluations, result.loss, content / best.total)


def main() -> None:
    """Print a row for each pair, start and size."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.coarse")
    parser.add_argument("--images", type=Path, help="folder with content/ and style/")
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--size", type=int, nargs="+", default=[512])
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--start", nargs="+", default=["content", "noise"])
    parser.add_argument("--pair", type=int, nargs="+", help="only these, from 0")
    parser.add_argument("--levels-only", action="store_true")
    parser.add_argument("--pictures", type=Path, help="folder to keep them in")
    options = parser.parse_args()
    model = registry.load(options.model, device="cpu")
    print(json.dumps(machine.description(machine.threads())), "\n")
    print(
        "| pictures | start | size | seconds | loss, levels | loss, one | ratio "
        "| content in the loss |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    cases = product(enumerate(pairs(options.images)), options.start, options.size)
    for (number, pair), start, size in cases:
        if options.pair and number not in options.pair:
            continue
        settings = replace(
            SETTINGS, size=size, iterations=options.iterations, init=start
        )
        stem = f"{number}-{start}-{size}"
        kept = [
            options.pictures and options.pictures / f"{stem}-{name}.png"
            for name in ("levels", "one")
        ]
        settings = replace(settings, enlarge=True)
        ours = run(pair, model, settings, float("inf"), kept[0])
        row = f"| {pair.name} | {start} | {size} | {ours.seconds:.1f} | {ours} "
        if options.levels_only:
            row += "| | "
        else:
            one = replace(settings, pyramid="off", iterations=10**5)
            other = run(pair, model, one, ours.seconds, kept[1])
            row += f"| {other} | {ours.loss / other.loss:.3f} "
        print(f"{row}| {100 * ours.share:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
