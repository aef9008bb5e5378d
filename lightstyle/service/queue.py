"""The queue of jobs. What is in it is what the journals say: it needs no other memory.

`database.DatabaseQueue` is the same in a database.
"""

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Condition, Thread

from .foreman import ClosingError
from .store import Job


class Queue(ABC):
    """Has a function called for each job, whatever happens in the meantime."""

    @abstractmethod
    def put(self, job: Job) -> None:
        """Have a job performed, once a turn, however often it is put."""

    @abstractmethod
    def close(self) -> None:
        """Have no more jobs performed; those that are end first, or go on later."""

    def resume(self, jobs: Collection[Job]) -> None:
        """Have the jobs performed that were left unfinished."""
        for job in jobs:
            self.put(job)

    def keep(self, wanted: Collection[str]) -> None:  # noqa: B027 - nothing to do
        """Forget what is known of other jobs than these, if they have ended."""


class JournalQueue(Queue):
    """Has jobs performed in the order in which they came."""

    def __init__(self, perform: Callable[[str], None], slots: int) -> None:
        """Begin with no job.

        Args:
            perform: Sees a job through, given its name.
            slots: Jobs that run at a time. Another one is made ready meanwhile.
        """
        self._perform = perform
        self._waiting: list[tuple[float, str]] = []
        self._changed, self._closed = Condition(), False
        self._threads = [Thread(target=self._work) for _ in range(slots + 1)]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        """Have a job performed, once a turn, however often it is put."""
        with self._changed:
            heapq.heappush(self._waiting, job.number)
            self._changed.notify()

    def close(self) -> None:
        """Have no more jobs performed; those that are end first, or go on later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        with suppress(ClosingError):
            while (id_ := self._next()) is not None:
                self._perform(id_)

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else heapq.heappop(self._waiting)[1]
