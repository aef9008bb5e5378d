"""A lock that one process holds at a time: the operating system's, on a file.

The system lets go of it when its process ends, however it ends, so that a killed
process blocks nobody. The file itself stays: removing it would let two processes hold
locks on two files of one name.
"""

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import OutputError

_POLL_SECONDS: Final = 0.1
_BUSY: Final = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on the file at `path`, which is made where there is none.

    Args:
        path: The file; its folder must exist. Nothing is written to it.
        waiting: Called once if another process holds the lock and must be waited for.

    Raises:
        OutputError: The file cannot be made, or its file system has no locks.
    """
    with _opened(path) as file:
        if not _taken(file, path):
            waiting()
            while not _taken(file, path):
                time.sleep(_POLL_SECONDS)
        yield


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("ab")
    except OSError as error:
        raise _unusable(path, error) from error


def _taken(file: BinaryIO, path: Path) -> bool:
    try:
        _take(file)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise _unusable(path, error) from error
    return True


def _unusable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot lock {path}: {error.strerror}; choose another folder with "
        "LIGHTSTYLE_CACHE"
    )


if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO) -> None:
        file.seek(0)  # the lock is on the byte at the position
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
