"""Processes that paint: given pictures one by one, replaced when one of them dies.

One worker is this process itself. More are processes of their own, each with its model;
they end with this one, however it ends, so that nothing goes on writing behind the back
of whoever begins the batch again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from time import sleep
from typing import Any, Final

from .errors import ExitCode
from .painter import Outcome, Painter, State, Task, Work

#: Seconds between two looks at what cannot be waited for.
_POLL: Final = 0.2

#: Seconds that a worker without a picture gets to end by itself.
_PATIENCE: Final = 5.0

#: What a worker says when its model is loaded.
_LOADED: Final = "loaded"

#: What a worker is told to give up its picture.
_STOP: Final = "stop"

_END: Final = object()

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def paint_all(
    work: Work,
    tasks: Iterable[Task | None],
    workers: int,
    stopping: Callable[[], bool],
) -> Generator[Outcome]:
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
) -> Iterator[Outcome]:
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
) -> Iterator[Outcome]:
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


class _Worker:
    """A process, and the picture that it is at."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, work), daemon=True)
        self.task: Task | None = None
        self.is_loaded = False
        with _signals_held():
            self.process.start()
        other.close()  # only the worker has it now: its death is seen

    def give(self, task: Task) -> None:
        self.task = task
        with suppress(OSError):  # it is dead, which `outcome` tells
            self.connection.send(task)

    def stop(self) -> None:
        with suppress(OSError):
            self.connection.send(_STOP)

    def outcome(self) -> Outcome | None:
        """What it says, if that is of its picture.

        Raises:
            LightstyleError: It could not load the model.
            EOFError: It died.
        """
        said = self.connection.recv()
        self.is_loaded = True
        if said == _LOADED:
            return None
        if isinstance(said, Exception):
            raise said
        self.task = None
        return said if isinstance(said, Outcome) else None

    def death(self, task: Task) -> Outcome:
        """What became of the picture that it was at when it died."""
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = (
            f"the process that painted it {how}, maybe for lack of memory: choose "
            "fewer workers, or a smaller size"
        )
        return Outcome(task, State.FAILED, reason, ExitCode.TRANSFER)

    def dismiss(self) -> None:
        self.connection.close()
        if self.task is not None:
            self.process.kill()
        self.process.join(_PATIENCE)
        self.process.kill()
        self.process.join()


class _Crew:
    """All workers. They are hired when there is something to do for them."""

    def __init__(self, work: Work, size: int) -> None:
        self._work, self._size = work, size
        self._workers: list[_Worker] = []

    @property
    def busy(self) -> list[_Worker]:
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
        for worker in [each for each in idle if not each.process.is_alive()]:
            worker.dismiss()
            idle.remove(worker)
            self._workers.remove(worker)
        if not idle:
            idle = [_Worker(self._work)]
            self._workers += idle
        idle[0].give(task)

    def outcomes(self) -> Iterator[Outcome]:
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

    def stopped(self) -> Iterator[Outcome]:
        """Have all pictures given up; some may be done before they are."""
        for worker in self.busy:
            worker.stop()
        while self.busy:
            for outcome in self.outcomes():
                if outcome.state is not State.FAILED:
                    yield outcome

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.dismiss()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Keep back signals, and for good from the processes that are started inside.

    Ctrl-C comes to all processes of a terminal; the workers are told by this one.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, work: Work) -> None:
    """Paint what is sent, until there is nobody who sends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    painter = Painter(work)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            if isinstance(task, Task):
                try:
                    painter.load(task.settings)
                    connection.send(_LOADED)
                    outcome = painter.paint(task, connection.poll)
                except Exception as error:
                    connection.send(error)
                    return
                connection.send(outcome)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(int(ExitCode.TERMINATED))
