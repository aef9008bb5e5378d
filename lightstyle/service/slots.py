"""Slots for which whoever came first goes first, however late it asks."""

import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any


class Slots:
    """A number of slots, each held by one thread at a time."""

    def __init__(self, count: int) -> None:
        """Make so many free slots."""
        self._free = count
        self._waiting: list[Any] = []
        self._changed = Condition()

    @contextmanager
    def held(self, place: Any) -> Iterator[None]:
        """Hold a slot, which those who wait get in the order of their places."""
        with self._changed:
            bisect.insort(self._waiting, place)
            self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] == place)
            self._waiting.pop(0)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
