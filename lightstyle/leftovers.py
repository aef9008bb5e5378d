"""Temporary files beside an output, and what a killed process left of its own.

Whoever makes a temporary file holds a lock on it, which the system releases however the
process ends. So the next one for the same output can tell what nobody needs any more,
also where containers or machines share a folder. The exporter uses this, too.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]


def create(target: Path) -> tuple[Path, BinaryIO]:
    """Create a temporary file beside `target`, and remove what dead processes left.

    Its permissions are those of the umask.

    Args:
        target: The output, whose folder must exist.

    Returns:
        Path of the file, and the file, open for writing. It counts as used until it is
        closed.

    Raises:
        OSError: If the file system fails.
    """
    _sweep(target)
    for last in (False, False, True):
        path = target.parent / f"{_prefix(target)}{secrets.token_hex(8)}.tmp"
        file = path.open("xb")
        with suppress(OSError):
            _lock(file, wait=True)
        if last or path.exists():
            break
        file.close()  # another process has swept it before it was locked
    return path, file


@contextmanager
def folder(target: Path) -> Iterator[Path]:
    """Make a temporary folder beside `target`; the rest is as in `create`."""
    path, file = create(target)
    place = _folder_of(path)
    with file:
        try:
            place.mkdir()
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            if fcntl is None:
                file.close()
            path.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove the temporary files of `target` that nobody holds a lock on."""
    for path in target.parent.glob(f"{_prefix(target)}*.tmp"):
        with suppress(OSError):
            if fcntl is None:
                path.unlink()
                shutil.rmtree(_folder_of(path), ignore_errors=True)
                continue
            with path.open("r+b") as file:
                _lock(file, wait=False)
                shutil.rmtree(_folder_of(path), ignore_errors=True)
                path.unlink()


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file.

    Raises:
        OSError: If another process holds the lock, or the file system has none.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _prefix(target: Path) -> str:
    """Return how the names of all temporary files of `target` begin."""
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()
    return f".lightstyle-{name[:16]}-"


def _folder_of(path: Path) -> Path:
    return path.with_suffix(".folder")
