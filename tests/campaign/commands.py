"""The commands that take a mangled file, for each kind of file.

``FILE`` stands for the file, ``QUICK`` for options with which a run takes a moment, and
``LIGHT`` for those with which it takes half a moment, where layers do not matter.
Commands that look only are quick, and come more than once, to be drawn more often. A
dry run measures the machine, which takes longer than a run, and so comes seldom.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Final

#: Options with which a run takes a moment.
QUICK: Final = "--size 48 --iterations 1 --threads 1 --pyramid off --quiet"

#: The same with few layers, and a model that has no others.
LIGHT: Final = (
    f"{QUICK} --content-layers conv1_2 --style-layers conv1_1 --model light.onnx"
)

_PAIR: Final = "stylize content.ppm style.ppm QUICK -o out.png"
_LIGHT_PAIR: Final = _PAIR.replace("QUICK", "LIGHT")
_LIGHT_TEXTURE: Final = (
    "QUICK --size 32x32 -o out.png --style-layers conv1_1 --model light.onnx"
)
_FEW: Final = "--threads 1 -o out.png"

#: Command lines by the kind of the file.
COMMANDS: Final = {
    "picture": (
        *("info FILE",) * 4,
        *("stylize FILE style.ppm LIGHT -o out.png",) * 4,
        *(f"texture FILE {_LIGHT_TEXTURE}",) * 2,
        "content FILE QUICK -o out.webp",
        "stylize FILE style.ppm LIGHT -o out.png --dry-run",
        "stylize FILE style.ppm LIGHT -o out.tif --bits 16 --content-mask mask.pgm",
        "stylize FILE style.ppm LIGHT -o out.jpg --metadata keep",
        "stylize FILE style.ppm LIGHT -o out.jpg --timelapse out.webp --log out.log",
        f"{_LIGHT_PAIR} --init FILE",
        f"{_LIGHT_PAIR} --color match-style --colors-of FILE",
        "stylize FILE style.ppm LIGHT -o out.png --color content-histogram",
        "stylize content.ppm style.ppm FILE LIGHT -o out.png --blend 1,2",
        "compare FILE --content content.ppm --size 48",
        "compare content.ppm --style FILE --size 48",
        "batch FILE* style.ppm LIGHT -o painted",
        "sheet FILE style.ppm LIGHT -o out.png --vary seed=1",
    ),
    "mask": (
        f"{_LIGHT_PAIR} --content-mask FILE",
        f"{_LIGHT_PAIR} --content-mask FILE --outside blend",
        "stylize style.ppm content.ppm LIGHT -o out.png --style-mask FILE",
        f"texture content.ppm {_LIGHT_TEXTURE} --style-mask FILE",
    ),
    "map": (
        f"{_LIGHT_PAIR} --regions FILE style-map.ppm",
        "stylize style.ppm content.ppm LIGHT -o out.png --regions style-map.ppm FILE",
    ),
    "record": (
        *(f"{_PAIR} --like FILE",) * 3,
        *("info FILE", "info FILE --json", "info FILE --config"),
        "texture style.ppm QUICK --size 32x32 -o out.png --like FILE",
        # Where a batch finds it in the place of a result.
        "batch photos style.ppm QUICK -o painted",
        # With all its settings, and so not to be carried out.
        f"stylize content.ppm style.ppm {_FEW} --dry-run --like FILE",
    ),
    "checkpoint": (
        *("resume FILE --quiet",) * 3,
        "resume FILE",
        f"{_PAIR} --checkpoint FILE --overwrite",
    ),
    "preset": (
        *(f"{_PAIR} --config FILE",) * 4,
        "texture style.ppm QUICK --size 32x32 -o out.png --config FILE",
        f"stylize content.ppm style.ppm {_FEW} --dry-run --config FILE",
    ),
    "list": (
        *("batch FILE style.ppm LIGHT -o painted",) * 3,
        "batch photos style.ppm LIGHT -o painted --failures FILE",
    ),
    "weights": ("export --weights FILE --lowering none -o made.onnx",),
    "model": (
        *("stylize content.ppm style.ppm QUICK -o out.png --model tiny.onnx",) * 2,
        "stylize content.ppm style.ppm QUICK -o out.png --regions map.ppm "
        "style-map.ppm --model tiny.onnx",
        "models verify tiny.onnx",
        "compare content.ppm --content content.ppm --model tiny.onnx",
        "export --weights tiny.safetensors --lowering none -o made.onnx",
    ),
}

#: Options that name a file to write.
_WRITING: Final = ("-o", "--timelapse", "--log")

#: Words before a file that the command itself has written, and may replace or remove.
_OWN: Final = ("resume", "--checkpoint", "--failures")


@dataclass(frozen=True)
class Command:
    """A command line, and patterns of the files that it may leave or replace."""

    arguments: tuple[str, ...]
    outputs: tuple[str, ...]


def command(line: str, path: str) -> Command:
    """Return the command line of a table for the mangled file at `path`."""
    line = line.replace("LIGHT", LIGHT).replace("QUICK", QUICK).replace("FILE", path)
    words = line.split()
    outputs: list[str] = []
    for word, name in pairwise(words):
        if word in _OWN:
            outputs += [name, f"{name}.previous"]
            if word == "resume":  # whatever the file names
                outputs.append("*")
        elif word in _WRITING and "--dry-run" not in words:
            stem, suffix = PurePath(name).stem, PurePath(name).suffix
            outputs.append(f"{stem}.*" if suffix == ".onnx" else name)
            outputs += [] if suffix else [f"{name}/*", f"*/{name}/*"]
    return Command(tuple(words), tuple(outputs))
