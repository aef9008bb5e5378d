"""Checks before a run: its inputs, its outputs, and options that exclude each other."""

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
    """Return the files that a job reads.

    Raises:
        UsageError: More than one of them is stdin.
    """
    found = [Path(source) for source in sources(given).values()]
    if found.count(STREAM) > 1:
        raise UsageError(
            "only one picture can come from stdin: give the others as files"
        )
    named = [Path(path) for path in settings.files.values()]
    return [path for path in found if path != STREAM] + named


def check_styles(
    content: Path, styles: Sequence[Path], settings: Settings, options: RunOptions
) -> None:
    """Refuse styles that look like photographs from a shell's pattern.

    Raises:
        UsageError: There are three or more styles, two of them lie beside the content,
            and nothing says that a blend is meant.
    """
    taken = options.like is not None or options.config is not None
    beside = sum(style.parent == content.parent for style in styles)
    if taken or not _is_unasked_blend(styles, settings) or len(styles) < 3:
        return
    if beside > 1:
        shares = ",".join("1" for _ in styles)
        raise UsageError(
            f"got {len(styles)} styles, {beside} of them from the folder of the "
            "content: for many pictures there is `lightstyle batch FOLDER STYLE -o "
            f"OUT`; to blend {len(styles)} styles, add --blend {shares}"
        )


def blend_note(given: Mapping[str, Any], settings: Settings) -> str | None:
    """Return a line about a blend of styles that nobody weighed, if it is one."""
    styles = given.get("style")
    if not isinstance(styles, list) or not _is_unasked_blend(styles, settings):
        return None
    names = ", ".join(str(style) for style in styles)
    return (
        f"all of {names} are styles, blended equally: --blend weighs them; for many "
        "pictures there is `lightstyle batch`"
    )


def _is_unasked_blend(styles: Sequence[Path], settings: Settings) -> bool:
    """Whether there are several styles, and no setting that has a value for each."""
    each = (settings.content_mask, settings.style_mask, settings.blend)
    scales = isinstance(settings.style_scale, tuple)
    return len(styles) > 1 and not any(each) and not scales


def check_outputs(
    inputs: Sequence[Path],
    path: Path,
    existing: Sequence[Path],
    options: RunOptions,
    kept: Sequence[Path],
) -> None:
    """Refuse outputs that cannot be written or would replace something.

    Args:
        inputs: Files that the run reads.
        path: Path of the picture.
        existing: Pictures that `save_every` would replace.
        options: Options of the run.
        kept: Path of its checkpoint, if it has one.

    Raises:
        UsageError: Two paths name one file, or options exclude each other.
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
        raise UsageError(f"--timelapse {path}: the suffix must be .webp")
    if os.path.realpath(path) in map(os.path.realpath, taken):
        raise UsageError(
            f"--{kind} {path}: the run reads or writes this file already; give another "
            "name"
        )


def _check_stream(options: RunOptions) -> None:
    """Refuse options that need a named file when the picture goes to stdout."""
    encoding.check_format(Path("stdout.png"), options.bits)
    for given, name in (
        (options.save_every, "save-every"),
        (options.checkpoint, "checkpoint"),
    ):
        if given:
            raise UsageError(
                f"--{name} needs a named picture: give -o a file instead of -"
            )
