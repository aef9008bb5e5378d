"""Names for pictures that a user did not name."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..images.streams import STREAM


def choose(output: Path | None, given: Mapping[str, Any], name: str) -> Path:
    """Return the path to write to.

    Args:
        output: What ``-o`` gives: a path, a folder to put a new picture into, or None
            for the folder of the first input.
        given: Input pictures by role.
        name: Name of a new picture, without a suffix.

    Raises:
        UsageError: There is no folder to choose, because the input is stdin.
    """
    if output is not None and not output.is_dir():
        return output
    if output is None:
        role, first = next(iter(given.items()))
        first = Path(first[0] if isinstance(first, Sequence) else first)
        if first == STREAM:
            raise UsageError(f"{role} -: name the picture to write with -o")
        output = first.parent
    return free(output / f"{name}.png")


def free(path: Path) -> Path:
    """Return `path`, or the first free one of ``name-2``, ``name-3`` … if it exists."""
    numbered = (path.with_stem(f"{path.stem}-{n}") for n in count(2))
    return path if not path.exists() else next(p for p in numbered if not p.exists())


def joined(content: Path, style: Sequence[Path]) -> str:
    """Name a picture after its content and its style: ``photo-painting``."""
    return f"{stem(content)}-{stem(style[0]) if len(style) == 1 else 'blend'}"


def stem(path: Path) -> str:
    """Return the name of a picture without its suffix."""
    return "stdin" if path == STREAM else path.stem
