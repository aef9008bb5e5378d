"""What is found out before a run begins: whether it can read and write its files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import files
from ..errors import UsageError
from ..images import encoding
from ..images.streams import STREAM
from ..records.origin import sources
from ..settings.settings import Settings
from .options import RunOptions


def inputs_of(given: Mapping[str, Any], settings: Settings) -> list[Path]:
    """Files that a job reads.

    Raises:
        UsageError: More than one of them is stdin.
    """
    found = [Path(source) for source in sources(given).values()]
    if found.count(STREAM) > 1:
        raise UsageError("two pictures are -, but one only can come from stdin")
    named = [Path(path) for path in settings.files.values()]
    return [path for path in found if path != STREAM] + named


def check_outputs(
    inputs: Sequence[Path],
    path: Path,
    existing: Sequence[Path],
    options: RunOptions,
    kept: Sequence[Path],
) -> None:
    """Refuse what could not be written, or would be written over.

    Args:
        inputs: Files that the run reads.
        path: Of the picture.
        existing: Pictures that `save_every` would replace.
        options: Of the run.
        kept: Its checkpoint, if any.

    Raises:
        UsageError: Two files are one, or an option does not go with another.
        OutputError: A file cannot be written.
    """
    if options.save_every < 0:
        raise UsageError(f"save-every is {options.save_every}, expected 0 or more")
    pictures = [*existing]
    if path == STREAM:
        _check_stream(options)
    else:
        encoding.check_format(path, options.bits)
        pictures.insert(0, path)
    for picture in pictures:
        files.check_writable(picture, inputs=inputs, overwrite=options.overwrite)
    others = [("timelapse", options.timelapse), ("log", options.log)]
    for kind, other in (*others, *(("checkpoint", path) for path in kept)):
        if other is None:
            continue
        _check_is_another(kind, other, [*inputs, *pictures])
        pictures.append(other)
        # An old checkpoint is left to `Checkpoint`, which knows what it is.
        overwrite = options.overwrite or kind == "checkpoint"
        files.check_writable(other, inputs=inputs, overwrite=overwrite)


def _check_is_another(kind: str, path: Path, taken: Sequence[Path]) -> None:
    if kind == "timelapse" and path.suffix.lower() != ".webp":
        raise UsageError(f"timelapse {path}: it is a WebP: the suffix must be .webp")
    if os.path.realpath(path) in map(os.path.realpath, taken):
        raise UsageError(f"{kind} {path} is also a picture or a log: give another name")


def _check_stream(options: RunOptions) -> None:
    """Refuse what needs the name of a file, with stdout."""
    encoding.check_format(Path("stdout.png"), options.bits)
    for given, name in (
        (options.save_every, "save-every"),
        (options.checkpoint, "checkpoint"),
    ):
        if given:
            raise UsageError(
                f"{name} needs a picture with a name: give -o a file instead of -"
            )
