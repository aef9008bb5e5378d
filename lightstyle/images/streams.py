"""Reads pictures from stdin and writes them to stdout, both named ``-``.

Nothing but the picture may go to stdout, but libraries print there, some from C. So its
file descriptor is set aside, and stderr takes its place meanwhile.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self

from ..errors import ImageError, OutputError, UsageError
from .picture_file import MAXIMUM_BYTES

#: Path that stands for a standard stream.
STREAM: Final = Path("-")

_STDOUT, _STDERR = 1, 2


class Piped(bytes):
    """A picture that came through a pipe.

    Attributes:
        name: What error messages call it.
    """

    name: str

    @classmethod
    def of(cls, data: bytes, name: str) -> Self:
        """Name the bytes of a file."""
        made = cls(data)
        made.name = name
        return made


def read(role: str, path: Path = STREAM) -> Piped:
    """Read all of a pipe, the picture for `role`.

    Args:
        role: What the picture is for.
        path: Path of the pipe; by default standard input.

    Raises:
        UsageError: If standard input is a terminal.
        ImageError: If it is closed, fails, or is larger than a picture may be.
    """
    name = "from standard input" if path == STREAM else str(path)
    try:
        if path == STREAM:
            data = _standard_input(role).read(MAXIMUM_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{role} {name}: cannot be read: {error.strerror}") from error
    if len(data) > MAXIMUM_BYTES:
        raise ImageError(
            f"{role} {name}: more than the limit of {MAXIMUM_BYTES / 1e9:g} GB; make "
            "the picture smaller first"
        )
    return Piped.of(data, name)


def _standard_input(role: str) -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise ImageError(f"{role}: standard input is closed; pipe a picture into it")
    if sys.stdin.isatty():
        raise UsageError(
            f"{role}: standard input is a terminal; pipe a picture into it"
        )
    return sys.stdin.buffer


@contextmanager
def stdout() -> Iterator[Callable[[bytes], None]]:
    """Reserve stdout for the function that this yields, which writes bytes to it.

    Raises:
        UsageError: If stdout is a terminal.
        OutputError: If stdout is closed, or cannot be written.
    """
    try:
        os.fstat(_STDOUT)
    except OSError as error:
        raise _unwritable(error) from error
    if os.isatty(_STDOUT):
        raise UsageError(
            "output: standard output is a terminal; redirect it to a file or pipe it"
        )
    with aside() as kept:

        def write(data: bytes) -> None:
            try:
                with os.fdopen(kept, "wb", closefd=False) as file:
                    file.write(data)
            except OSError as error:
                raise _unwritable(error) from error

        yield write


@contextmanager
def aside() -> Iterator[int]:
    """Set stdout aside as the descriptor that this yields; stderr takes its place.

    Raises:
        OSError: If stdout is closed.
    """
    _flush()
    kept = os.dup(_STDOUT)
    try:
        _replace_stdout()
        yield kept
    finally:
        _flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _unwritable(error: OSError) -> OutputError:
    return OutputError(
        f"cannot write to standard output: {error.strerror}; give a file with -o, or "
        "read it all"
    )


def _replace_stdout() -> None:
    try:
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # there is no stderr either
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDOUT)
        os.close(nowhere)


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
