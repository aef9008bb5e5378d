"""Ctrl-C during a run from Python: the run ends, and its best picture is kept."""

import signal
import threading
from types import FrameType
from typing import Self

from .events import Evaluated, Event


class Interrupt:
    """A listener that cancels the run at Ctrl-C; a second Ctrl-C ends it at once.

    It is also the context in which Ctrl-C is caught. It does nothing outside the main
    thread, or in a program that handles the signal itself.
    """

    def __init__(self) -> None:
        """Wait for `__enter__`."""
        self._came = False
        self._installed = False

    def __enter__(self) -> Self:
        """Start to catch Ctrl-C."""
        ours = threading.current_thread() is threading.main_thread()
        if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
            self._installed = True
        return self

    def __exit__(self, *error: object) -> None:
        """Leave Ctrl-C to Python again."""
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self, event: Event) -> None:
        """Cancel the run if Ctrl-C was pressed."""
        if self._came and isinstance(event, Evaluated):
            raise StopIteration

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True
