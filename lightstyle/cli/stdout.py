"""Standard output that never stops the work: a failure is told once, at the end.

A table is printed when the work is done, and nothing must be lost because nobody takes
it: what cannot be written is dropped. A reader that leaves, as ``| head`` does, has
seen enough, and that is no error.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any, Self

from ..errors import OutputError


class Stdout:
    """Stands in for `sys.stdout`, as a context: writing never raises.

    Attributes:
        failure: The error of what could not be written, if that matters.
    """

    def __init__(self) -> None:
        """Take the place of nothing yet."""
        self.failure: OutputError | None = None
        self._stream: Any = None
        self._is_lost = False

    def __enter__(self) -> Self:
        """Take the place of `sys.stdout`, which is None if it is closed."""
        self._before = sys.stdout
        self._stream = sys.stdout
        if sys.stdout is None:
            self._stream = io.StringIO()
        elif hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.stdout = self
        return self

    def __exit__(self, *error: object) -> None:
        """Write what is left, and give `sys.stdout` back."""
        self.flush()
        sys.stdout = self._before

    def write(self, text: str) -> int:
        """Write `text`, or drop it."""
        if self._before is None and text:
            self._lose(ValueError("it is closed"))
        elif not self._is_lost:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        if not self._is_lost:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def __getattr__(self, name: str) -> Any:
        """Return everything else as the stream has it."""
        return getattr(self._stream, name)

    def _lose(self, error: OSError | ValueError) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        if not isinstance(error, BrokenPipeError):
            reason = getattr(error, "strerror", None) or "it is closed"
            self.failure = OutputError(
                f"cannot write to standard output: {reason}; redirect it elsewhere"
            )
        # What the stream still holds would fail once more when Python ends.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
