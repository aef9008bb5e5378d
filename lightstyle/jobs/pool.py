"""Pictures painted one by one, or several at a time by as many processes.

One worker is this process itself. More are processes of their own, each with its model;
one that dies is replaced.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from time import sleep
from typing import Any, Final

from .painter import JobOutcome, JobState, Painter, Task, Work
from .worker import Worker

#: Seconds between two looks at what cannot be waited for.
_POLL: Final = 0.2

_END: Final = object()


def paint_all(
    work: Work,
    tasks: Iterable[Task | None],
    workers: int,
    stopping: Callable[[], bool],
) -> Generator[JobOutcome]:
    """Paint pictures, as many at a time as there are workers.

    Args:
        work: What they have in common.
        tasks: Which; none where there is nothing to do yet.
        workers: How many; 1 is this process.
        stopping: Asked again and again; if so, what is being painted is given up.

    Yields:
        What became of each, as it ends.

    Raises:
        LightstyleError: The model cannot be loaded.
    """
    paint = _here if workers == 1 else _in_processes
    yield from paint(work, iter(tasks), workers, stopping)


def _here(
    work: Work,
    tasks: Iterator[Task | None],
    workers: int,
    stopping: Callable[[], bool],
) -> Iterator[JobOutcome]:
    painter = Painter(work)
    for task in tasks:
        if stopping():
            return
        if task is None:
            sleep(_POLL)
            continue
        outcome = painter.paint(task, stopping)
        if outcome is None:
            return
        yield outcome


def _in_processes(
    work: Work,
    tasks: Iterator[Task | None],
    workers: int,
    stopping: Callable[[], bool],
) -> Iterator[JobOutcome]:
    crew, ended = _Crew(work, workers), False
    try:
        while not stopping():
            while not ended and crew.has_room:
                task: Any = next(tasks, _END)
                if task is None:
                    break
                if task is _END:
                    ended = True
                else:
                    crew.give(task)
            if ended and not crew.busy:
                return
            yield from crew.outcomes()
        yield from crew.stopped()
    finally:
        crew.dismiss()


class _Crew:
    """All workers. They are hired when there is something to do for them."""

    def __init__(self, work: Work, size: int) -> None:
        self._work, self._size = work, size
        self._workers: list[Worker] = []

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    @property
    def has_room(self) -> bool:
        """Whether a picture would be begun at once.

        The first worker is waited for: it may have to make the model that all use.
        """
        if not self._workers:
            return True
        more = len(self._workers) < self._size
        loaded = any(worker.is_loaded for worker in self._workers)
        return len(self.busy) < len(self._workers) or (more and loaded)

    def give(self, task: Task) -> None:
        idle = [worker for worker in self._workers if worker.task is None]
        for worker in [each for each in idle if not each.is_alive]:
            worker.dismiss()
            idle.remove(worker)
            self._workers.remove(worker)
        if not idle:
            idle = [Worker(self._work)]
            self._workers += idle
        idle[0].give(task)

    def outcomes(self) -> Iterator[JobOutcome]:
        """Wait a moment, and see what has become of which picture."""
        busy = self.busy
        if not busy:
            sleep(_POLL)
        ready = wait([worker.connection for worker in busy], _POLL) if busy else []
        for worker in [each for each in busy if each.connection in ready]:
            task = worker.task
            try:
                outcome = worker.outcome()
            except (EOFError, OSError):
                self._workers.remove(worker)
                if task is not None:
                    yield worker.death(task)
                continue
            if outcome is not None and task is not None:
                yield replace(outcome, task=task)

    def stopped(self) -> Iterator[JobOutcome]:
        """Have all pictures given up; some may be done before they are."""
        for worker in self.busy:
            worker.stop()
        while self.busy:
            for outcome in self.outcomes():
                if outcome.state is not JobState.FAILED:
                    yield outcome

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.dismiss()
