"""What `pairs` paints: pairs of a content and a style, in several variants."""

import argparse
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lightstyle import Settings
from lightstyle.jobs.vary import axes
from lightstyle.settings import presets

#: The default before there was a dial, with every weight given: the point to beat.
OLD: Final[Mapping[str, Any]] = {
    "content_layers": "conv5_2",
    "style_layers": "conv1_1:64,conv2_1:16,conv3_1:4,conv4_1:1,conv5_1:1",
    "content_weight": 1.0,
    "style_weight": 1e4,
    "tv_weight": 0.0,
    "style_loss": "gram",
    "balance_layers": False,
    "pyramid": "on",
}

#: Names of the variants that are always there: the content as it is, for a control, the
#: old default, and what `Settings()` is now.
CONTENT, OLD_NAME, DEFAULT = "content", "old", "default"

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True)
class Pair:
    """A content and a style; their stems, joined by _, name the picture."""

    content: Path
    style: Path

    @property
    def name(self) -> str:
        return f"{self.content.stem}_{self.style.stem}"


@dataclass(frozen=True)
class Variant:
    """A way to make the picture of a pair.

    Attributes:
        name: What tables call it.
        settings: Settings of the run; None if there is no run.
        folder: Where another tool's pictures lie; None if there are none.
        curve: Variants of the same curve are joined in the plot; empty for a point.
    """

    name: str
    settings: Settings | None = None
    folder: Path | None = None
    curve: str = ""

    @property
    def slug(self) -> str:
        """Its name as a folder can be called."""
        return re.sub(r"[^\w.,:;=+-]+", "-", self.name)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder by name, without its folders."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def choose(images: Path, count: int | None = None) -> list[Pair]:
    """The first `count` pairs of FOLDER/content and FOLDER/style, evenly spread.

    They are taken along the diagonals of the table of pairs. Wherever one stops, each
    content was taken as often as another or once more, and so was each style: a run
    that is cut off is a fair sample, and a longer one continues it.
    """
    contents, styles = (pictures(images / name) for name in ("content", "style"))
    if not contents or not styles:
        raise FileNotFoundError(f"{images} has no pictures in content/ or style/")
    whole = len(contents) * len(styles)
    cycle = math.lcm(len(contents), len(styles))
    return [
        Pair(contents[n % len(contents)], styles[(n + n // cycle) % len(styles)])
        for n in range(min(whole, whole if count is None else count))
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a command choose variants."""
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="as `lightstyle sheet` takes it; all combinations of several",
    )
    parser.add_argument("--strengths", help="short for --vary strength=VALUES")
    parser.add_argument("--presets", default="", help="names or files, by commas")
    parser.add_argument(
        "--variant",
        action="append",
        nargs="+",
        default=[],
        metavar=("NAME", "SETTING=VALUE"),
        help="one variant with several settings",
    )
    parser.add_argument(
        "--others",
        type=Path,
        nargs="+",
        default=[],
        help="folders of CONTENT_STYLE.png, a point each; or of such folders, a curve",
    )


def variants(options: argparse.Namespace) -> list[Variant]:
    """The variants that the options name, after those that are always there.

    Raises:
        UsageError: A setting is unknown, or a value is invalid.
        ValueError: Two variants have the same name.
    """
    size, iterations = options.size, options.iterations
    base = Settings(size=size, iterations=iterations)

    def settings(**changes: Any) -> Settings:
        return replace(base, **{**changes, "size": size, "iterations": iterations})

    found = [Variant(CONTENT), Variant(OLD_NAME, settings(**OLD))]
    if base != found[1].settings:
        found.append(Variant(DEFAULT, base))
    for name in filter(None, options.presets.split(",")):
        found.append(Variant(Path(name).stem, settings(**presets.read(name))))
    for name, *texts in options.variant:
        changes = {axis.name: value for axis, value in _singles(texts)}
        found.append(Variant(name, settings(**changes)))
    given = [[f"strength={options.strengths}"]] if options.strengths else []
    given += [options.vary] if options.vary else []
    for texts in given:
        found += [
            Variant(name, settings(**changes), curve=curve)
            for name, curve, changes in _combined(texts)
        ]
    found += itertools.chain.from_iterable(map(_others, options.others))
    slugs = [each.slug for each in found]
    twice = {slug for slug in slugs if slugs.count(slug) > 1}
    if twice:
        raise ValueError(f"two variants are called {', '.join(sorted(twice))}")
    return found


def _singles(texts: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    # A final semicolon: commas then belong to the value, as in a list of layers.
    for axis in axes([f"{text};" for text in texts]):
        (value,) = axis.values.values()
        yield axis, value


def _combined(texts: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, curve and settings of all combinations; the first axis is the curve."""
    first, *others = axes(texts)
    for chosen in itertools.product(*(axis.values.items() for axis in others)):
        rest = [*zip(others, chosen, strict=True)]
        labels = [f"{axis.option} {text}" for axis, (text, _) in rest]
        changes = {axis.name: value for axis, (_, value) in rest}
        curve = " ".join([first.option, *labels])
        for text, value in first.values.items():
            name = " ".join([f"{first.option} {text}", *labels])
            yield name, curve, {first.name: value, **changes}


def _others(folder: Path) -> list[Variant]:
    if pictures(folder):
        return [Variant(folder.name, folder=folder)]
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    if not inner:
        raise FileNotFoundError(f"{folder} has no pictures")
    return [
        Variant(f"{folder.name} {path.name}", folder=path, curve=folder.name)
        for path in inner
    ]
