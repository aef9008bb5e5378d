"""A process that paints, seen from the one that started it and from inside.

It ends with the process that started it, however that ends, so that nothing goes on
writing behind the back of whoever begins the work again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Final

from ..errors import ExitCode
from .painter import JobOutcome, JobState, Painter, Task, Work

#: Seconds that a worker without a picture gets to end by itself.
_PATIENCE: Final = 5.0

#: What a worker says when its model is loaded.
_LOADED: Final = "loaded"

#: What a worker is told to give up its picture.
_STOP: Final = "stop"

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Worker:
    """A process, and the picture that it is at.

    Attributes:
        connection: Where it says what became of its pictures.
        task: The picture that it is at, if any.
        is_loaded: Whether it has a model.
    """

    def __init__(self, work: Work) -> None:
        """Start it."""
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, work), daemon=True)
        self.task: Task | None = None
        self.is_loaded = False
        with _signals_held():
            self._process.start()
        other.close()  # only the worker has it now: its death is seen

    @property
    def is_alive(self) -> bool:
        """Whether the process is."""
        return self._process.is_alive()

    def give(self, task: Task) -> None:
        """Have it paint `task`."""
        self.task = task
        with suppress(OSError):  # it is dead, which `outcome` tells
            self.connection.send(task)

    def stop(self) -> None:
        """Have it give up its picture, unless that is finished first."""
        with suppress(OSError):
            self.connection.send(_STOP)

    def outcome(self) -> JobOutcome | None:
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
        return said if isinstance(said, JobOutcome) else None

    def death(self, task: Task) -> JobOutcome:
        """What became of the picture that it was at when it died."""
        self.connection.close()
        self._process.join()
        code = self._process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = (
            f"the process that painted it {how}, maybe for lack of memory: choose "
            "fewer workers, or a smaller size"
        )
        return JobOutcome(task, JobState.FAILED, reason, ExitCode.TRANSFER)

    def dismiss(self) -> None:
        """End it, at once if it is at a picture."""
        self.connection.close()
        if self.task is not None:
            self._process.kill()
        self._process.join(_PATIENCE)
        self._process.kill()
        self._process.join()


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
