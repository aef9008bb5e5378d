"""The pictures that a run reads: which files they are, and whether that is meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..images import streams
from ..images.streams import STREAM
from ..lookup import is_pipe
from ..records.origin import sources
from ..settings.settings import Settings
from .options import RunOptions


def files_of(given: Mapping[str, Any], settings: Settings) -> list[Path]:
    """Return the files that a job reads.

    Raises:
        UsageError: More than one of its pictures is stdin.
    """
    found = [Path(source) for source in sources(given).values()]
    if found.count(STREAM) > 1:
        raise UsageError(
            "only one picture can come from standard input: give the others as files"
        )
    named = [Path(path) for path in settings.files.values()]
    return [path for path in found if path != STREAM] + named


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's arguments with the bytes of each pipe in its place.

    Pipes are ``-`` for stdin, and what a shell makes of ``<(command)``.
    """

    def read_one(role: str, value: Any) -> Any:
        if isinstance(value, list):
            return [read_one(role, each) for each in value]
        if isinstance(value, Path) and (value == STREAM or is_pipe(value)):
            return streams.read(role, value)
        return value

    return {role: read_one(role, value) for role, value in given.items()}


def check_styles(
    content: Path, styles: Sequence[Path], settings: Settings, options: RunOptions
) -> None:
    """Refuse styles that look like photographs from a shell's pattern.

    Raises:
        UsageError: There are three or more styles, two of them lie beside the content,
            and nothing says that a blend is meant.
    """
    if options.like or options.config is not None or len(styles) < 3:
        return
    beside = sum(style.parent == content.parent for style in styles)
    if beside > 1 and _is_unasked_blend(styles, settings):
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
    names = ", ".join(map(str, styles))
    return (
        f"all of {names} are styles, blended equally: --blend weighs them; for many "
        "pictures there is `lightstyle batch`"
    )


def _is_unasked_blend(styles: Sequence[Path], settings: Settings) -> bool:
    """Whether there are several styles, and no setting that has a value for each."""
    each = (settings.content_mask, settings.style_mask, settings.blend)
    scales = isinstance(settings.style_scale, tuple)
    return len(styles) > 1 and not any(each) and not scales
