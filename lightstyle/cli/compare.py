"""The command ``lightstyle compare``: the quality of pictures in numbers."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..quality.judge import Judge, Quality
from ..settings.settings import Settings
from ..text import counted, printable
from .console import columns, note, say, show
from .help import command

#: Key of a number, its format, and its meaning.
_ROWS = (
    ("share", ".3f", "share of the content's loss removed: 0 none, 1 all"),
    ("cfsd", ".3f", "change of the content's structure: 0 none"),
    ("w2", ".1f", "distance to the style's features: 0 none"),
    ("colour_style", ".3f", "distance to the style's colours: 0 none, 1 all"),
    ("colour_content", ".3f", "distance to the content's colours: 0 none, 1 all"),
    ("ssim", ".3f", "likeness to the content: 1 equal"),
    ("psnr", ".1f", "likeness to the content in dB: inf equal"),
)


@command
def compare(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", help="Picture to judge.")
    ],
    content: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Content picture they were made from."),
    ] = None,
    style: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Style picture they were made from."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Model to judge with: a name or a path."),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Longest side to compare at; smaller pictures keep their size.",
        ),
    ] = Settings.size,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the quality of finished pictures.

    Compare numbers of the same model and size only. SSIM, PSNR and the colour distances
    compare pixels; the others compare features, which a transfer optimises. JSON leaves
    out numbers that need a picture you did not give, and a PSNR of null is infinite.

    Examples:
        lightstyle compare out.png --content photo.jpg --style painting.jpg
        lightstyle compare one.png two.png --content photo.jpg --json
    """
    if style and len(style) > 1:
        raise UsageError(
            f"got {len(style)} styles, expected one: judge a blend with one command "
            "for each style"
        )
    painting = style[0] if style else None
    judge = Judge(content, painting, model=model, size=size)
    say(f"measuring {counted(len(pictures), 'picture')}")
    found = [(path, judge.judge(path)) for path in pictures]
    if len({quality.size for _, quality in found}) > 1:
        note(
            "the pictures differ in size, so their numbers cannot be compared: choose "
            "a --size that all of them have"
        )
    if as_json:
        show(json.dumps(_record(judge, content, painting, found)))
    else:
        which = ", which estimates VGG19" if judge.network.estimates else ""
        show(f"model {judge.model.info.path}{which}")
        columns([*_table(found)], right=range(1, 1 + len(found)))


def _record(
    judge: Judge,
    content: Path | None,
    style: Path | None,
    found: Sequence[tuple[Path, Quality]],
) -> dict[str, Any]:
    info = judge.model.info
    return {
        "model": str(info.path),
        "weights_sha256": info.weights_digest,
        "estimates_vgg19": judge.network.estimates,
        "content": None if content is None else str(content),
        "style": None if style is None else str(style),
        "pictures": [{"picture": str(path), **_plain(q)} for path, q in found],
    }


def _plain(numbers: Quality) -> dict[str, Any]:
    return {
        key: None if value == math.inf else value
        for key, value in asdict(numbers).items()
        if value is not None
    }


def _table(found: Sequence[tuple[Path, Quality]]) -> Iterator[list[str]]:
    yield ["", *(printable(path) for path, _ in found), ""]
    yield ["size", *("{}x{}".format(*q.size) for _, q in found), ""]
    yield from _numbers([q for _, q in found])


def _numbers(judged: Sequence[Quality]) -> Iterator[list[str]]:
    """Yield a row for every number that one of the pictures has."""
    for key, form, meaning in _ROWS:
        values = [getattr(each, key) for each in judged]
        if key == "w2" and values[0] is not None:
            for layer in values[0]:
                cells = [format(value[layer], form) for value in values]
                yield [f"w2 {layer}", *cells, meaning]
                meaning = ""
        elif any(value is not None for value in values):
            cells = ["-" if value is None else format(value, form) for value in values]
            yield [key.replace("_", " "), *cells, meaning]
