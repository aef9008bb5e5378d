"""Looks at what lies at a path; what may not be looked at counts as absent.

The methods of `Path` raise where a folder is locked or a name is too long. Whoever only
asks whether a file is there goes on without it; whoever needs it opens it, and says
then why that fails.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .errors import UsageError


def is_file(path: Path) -> bool:
    """Whether a regular file is there."""
    return _is(path, stat.S_ISREG)


def is_folder(path: Path) -> bool:
    """Whether a folder is there."""
    return _is(path, stat.S_ISDIR)


def is_pipe(path: Path) -> bool:
    """Whether a pipe is there, such as a shell makes of ``<(command)``."""
    return _is(path, stat.S_ISFIFO)


def exists(path: Path) -> bool:
    """Whether anything is there."""
    return _is(path, lambda mode: True)


def trouble(path: Path) -> str:
    """Describe why `path` is no regular file that can be read; empty if it is one."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if stat.S_ISREG(mode) else "is not a file"


def usable(path: str | os.PathLike[str], name: str) -> Path:
    """Return `path`, unless no file can have such a name.

    Args:
        path: Path from outside.
        name: What an error message calls it.

    Raises:
        UsageError: It contains a NUL character.
    """
    if "\0" in os.fspath(path):
        raise UsageError(
            f"{name}: a path cannot contain a NUL character; check the name of the file"
        )
    return Path(path)


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    with suppress(OSError, ValueError):
        return kind(path.stat().st_mode)
    return False
