"""Lets one process at a time download to a file.

The lock belongs to the operating system, which releases it when the process ends for
any reason, so a killed process blocks nobody. The lock file stays: removing it would
let two processes lock two files of the same name.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .cache_files import cache_errors


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on the file at `path`, which is created if needed.

    Args:
        path: Lock file; nothing is written to it.
        waiting: Called once if another process holds the lock, before the wait.

    Raises:
        OutputError: If the file cannot be created, or its file system has no locks.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    with cache_errors(path, "lock"):
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            waiting()
            held = lock.acquire()
    with held:
        yield
