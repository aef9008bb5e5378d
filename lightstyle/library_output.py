"""Keeps what C libraries print away from stderr while they decode a picture.

libtiff prints its complaints to file descriptor 2 itself. So a file in memory takes the
descriptor's place meanwhile, for all threads that decode at the same time. What another
thread wrote there is passed on at the end; the libraries' lines are dropped, since what
matters to a picture is told as an error or a note.
"""

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_STDERR: Final = 2

#: Most bytes that are passed on.
_MOST: Final = 1_000_000

#: Lines as libtiff and its relatives print them: ``module: text.``
_LIBRARY: Final = re.compile(rb"[\w.\-/ ]{1,80}: .*[.!]\r?\n?")

_lock: Final = threading.Lock()
_inside: list[object] = []  # one for each thread that is inside
_held: list[int] = []  # stderr, and the file in its place


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what C libraries print to stderr inside; cheap, and for any thread."""
    each = object()
    _enter(each)
    try:
        yield
    finally:
        _leave(each)


def _enter(each: object) -> None:
    with _lock:
        _inside.append(each)
        if len(_inside) == 1:
            with suppress(OSError):  # without a stderr nothing is printed
                _held.append(os.dup(_STDERR))
                _held.append(_file())
                os.dup2(_held[1], _STDERR)


def _leave(each: object) -> None:
    with _lock:
        _inside.remove(each)
        if _inside:
            return
        with suppress(OSError, ValueError):  # nothing was held back
            kept, instead = _held
            os.dup2(kept, _STDERR)
            os.lseek(instead, 0, os.SEEK_SET)
            printed = os.read(instead, _MOST)
            if printed and threading.active_count() > 1:
                lines = printed.splitlines(keepends=True)
                others = [line for line in lines if not _LIBRARY.fullmatch(line)]
                os.write(kept, b"".join(others))
        for descriptor in _held:
            os.close(descriptor)
        _held.clear()


def _file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("lightstyle")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
