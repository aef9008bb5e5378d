"""Where a run writes: names that a user did not give, and checks before the work."""

import os
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from .. import files
from ..errors import UsageError
from ..images import encoding
from ..images.streams import STREAM
from ..lookup import exists, is_folder, is_pipe
from ..settings.fields import option_of
from .options import RunOptions


def choose(output: Path | None, given: Mapping[str, Any], name: str) -> Path:
    """Return the path to write to.

    Args:
        output: What ``-o`` gives: a path, a folder to put a new picture into, or None
            for the folder of the first input.
        given: Input pictures by role.
        name: Name of a new picture, without a suffix.

    Raises:
        UsageError: There is no such folder, or none to choose, because the input is
            stdin.
    """
    if output is not None and not is_folder(output):
        if not (output.suffix or output == STREAM or exists(output)):
            raise UsageError(
                f"-o {output}: there is no such folder; create it first, or name a "
                f"picture such as {output}.png"
            )
        return output
    if output is None:
        role, first = next(iter(given.items()))
        first = Path(first[0] if isinstance(first, Sequence) else first)
        if first == STREAM or is_pipe(first):
            raise UsageError(
                f"{role} comes from a pipe: name the picture to write with -o"
            )
        output = first.parent
    return free(output / f"{name}.png")


def free(path: Path) -> Path:
    """Return `path`, or the first free one of ``name-2``, ``name-3`` … if it exists."""
    numbered = (path.with_stem(f"{path.stem}-{n}") for n in count(2))
    return path if not exists(path) else next(p for p in numbered if not exists(p))


def joined(content: Path, style: Sequence[Path]) -> str:
    """Name a picture after its content and its style: ``photo-painting``."""
    return f"{stem(content)}-{stem(style[0]) if len(style) == 1 else 'blend'}"


def stem(path: Path) -> str:
    """Return the name of a picture without its suffix."""
    return "stdin" if path == STREAM else path.stem


def check(
    path: Path,
    options: RunOptions,
    *,
    inputs: Sequence[Path],
    numbered: Sequence[Path],
    checkpoint: Path | None,
) -> None:
    """Refuse outputs that cannot be written or would replace something.

    Args:
        path: Path of the picture; may be stdout.
        options: Options of the run.
        inputs: Files that the run reads.
        numbered: Pictures that `save_every` would replace.
        checkpoint: Path of its checkpoint, if it has one.

    Raises:
        UsageError: Two paths name one file, or options exclude each other.
        OutputError: A file cannot be written.
    """
    if options.save_every < 0:
        raise UsageError(f"save-every is {options.save_every}, expected 0 or more")
    if path == STREAM:
        _check_stream(options)
    else:
        encoding.check_format(path, options.bits)
    pictures = [each for each in (path, *numbered) if each != STREAM]
    for picture in pictures:
        files.check_writable(picture, inputs=inputs, overwrite=options.overwrite)
    if options.timelapse and options.timelapse.suffix.lower() != ".webp":
        raise UsageError(f"--timelapse {options.timelapse}: the suffix must be .webp")
    taken = [*inputs, *pictures]
    others = {"timelapse": options.timelapse, "log": options.log}
    for kind, other in {**others, "checkpoint": checkpoint}.items():
        if other is None:
            continue
        if os.path.realpath(other) in map(os.path.realpath, taken):
            raise UsageError(
                f"--{kind} {other}: the run reads or writes this file already; give "
                "another name"
            )
        taken.append(other)
        # An old checkpoint is left to `Checkpoint`, which knows what it is.
        overwrite = options.overwrite or kind == "checkpoint"
        files.check_writable(other, inputs=inputs, overwrite=overwrite)


def _check_stream(options: RunOptions) -> None:
    """Refuse options that need a named file when the picture goes to stdout."""
    encoding.check_format(Path("stdout.png"), options.bits)
    for name in ("save_every", "checkpoint"):
        if getattr(options, name):
            raise UsageError(
                f"--{option_of(name)} needs a named picture: give -o a file instead of "
                "-"
            )
