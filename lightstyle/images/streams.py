"""Standard streams as picture files: ``-`` is stdin or stdout.

Whoever reads a picture from stdout must get it and nothing else. Libraries print there,
some from C, so its file descriptor is put aside and stderr takes its place meanwhile.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import ImageError, OutputError, UsageError
from .picture_file import MAXIMUM_BYTES

#: Stands for a standard stream.
STREAM: Final = Path("-")

_STDOUT, _STDERR = 1, 2


def read(role: str) -> bytes:
    """All of stdin, which is the picture for `role`.

    Raises:
        UsageError: It is a terminal, on which nobody types a picture.
        ImageError: It is closed, fails, or is larger than any picture may be.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise ImageError(f"{role} -: stdin is closed; pipe a picture into it")
    if sys.stdin.isatty():
        raise UsageError(f"{role} -: stdin is a terminal; pipe a picture into it")
    try:
        data = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{role} -: cannot be read: {error.strerror}") from error
    if len(data) > MAXIMUM_BYTES:
        raise ImageError(
            f"{role} -: more than {MAXIMUM_BYTES / 1e9:g} GB, which is the limit; make "
            "the picture smaller first"
        )
    return data


@contextmanager
def stdout() -> Iterator[Callable[[bytes], None]]:
    """Keep stdout for what the function that this yields is given.

    Raises:
        UsageError: It is a terminal.
        OutputError: It is closed, or cannot be written.
    """
    try:
        os.fstat(_STDOUT)
    except OSError as error:
        raise _unwritable(error) from error
    if os.isatty(_STDOUT):
        raise UsageError(
            "output -: stdout is a terminal; send it to a file or to a program"
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
    """Put stdout aside, as the descriptor that this yields; stderr takes its place.

    Raises:
        OSError: It is closed.
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
        f"cannot write to stdout: {error.strerror}; give a file to -o, or read it all"
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
