"""A process that runs tasks, seen from the one that started it and from inside.

It ends with the process that started it, however that ends, so that nothing goes on
writing behind the back of whoever begins the work again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any, Final

from ..errors import ExitCode
from ..signals import SIGNALS
from .executor import POLL
from .painter import Painter, Runtime
from .task import Task, TaskOutcome

#: What a worker says when its model is loaded.
_LOADED: Final = "loaded"

#: What a worker is told to give up its task.
_STOP: Final = "stop"


class WorkerDiedError(Exception):
    """A worker died at its task.

    Attributes:
        outcome: What became of the task.
    """

    def __init__(self, code: int) -> None:
        """Say how it died.

        Args:
            code: Exit code of the process, negative for a signal.
        """
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = (
            f"the worker process {how}, perhaps for lack of memory: use fewer workers "
            "or a smaller size"
        )
        super().__init__(reason)
        failed = TaskOutcome.failure(reason, ExitCode.TRANSFER)
        self.outcome = replace(failed, died=code)


class GiveUp:
    """Whether a task is to be given up, and how soon its process must have done so.

    Attributes:
        told: Whether it is.
    """

    def __init__(self) -> None:
        """Let the task run."""
        self.told, self._until = False, inf

    def tell(self, patience: float) -> None:
        """Have it given up, within so many seconds."""
        self._until = min(self._until, monotonic() + patience)
        self.told = True

    @property
    def overdue(self) -> bool:
        """Whether the patience is over."""
        return monotonic() > self._until


class Worker:
    """A process that runs one task at a time.

    Attributes:
        tasks: Number of tasks that it was given.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Start the process."""
        self.tasks = 0
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        args = other, runtime
        self._process = context.Process(target=_serve, args=args, daemon=True)
        with _signals_held():
            self._process.start()
        other.close()  # only the worker has it now: its death is seen

    @property
    def is_alive(self) -> bool:
        """Whether the process is alive."""
        return self._process.is_alive()

    def begin(self, task: Task, give_up: GiveUp) -> None:
        """Send `task` and wait until its model is loaded.

        Args:
            task: The task.
            give_up: Looked at again and again; once told, the process is ended.

        Raises:
            LightstyleError: The model cannot be loaded.
            WorkerDiedError: The process died.
        """
        self.tasks += 1
        with suppress(OSError):  # it is dead, which `_heard` tells
            self._connection.send(task)
        while not self._connection.poll(POLL):
            if give_up.told:
                self.kill()
        self._heard()

    def outcome(self, give_up: GiveUp) -> TaskOutcome | None:
        """Wait for the outcome of the task that was begun.

        Args:
            give_up: Looked at again and again; once told, the worker gives up the task,
                unless that ends first. It is killed once that is overdue.

        Returns:
            What became of the task; None if it was given up.

        Raises:
            WorkerDiedError: The process died.
        """
        while not (told := give_up.told) and not self._connection.poll(POLL):
            pass
        if told:
            with suppress(OSError):
                self._connection.send(_STOP)
            while not self._connection.poll(POLL):
                if give_up.overdue:
                    self.kill()
        outcome: TaskOutcome | None = self._heard()
        return outcome

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Free what the process held, which is dead or told to end."""
        self._process.join()
        self._connection.close()

    def _heard(self) -> Any:
        """Wait for what the worker says next.

        Raises:
            Exception: What the worker could not handle.
            WorkerDiedError: The process died.
        """
        try:
            said = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise WorkerDiedError(self._process.exitcode or 0) from error
        if isinstance(said, Exception):
            raise said
        return said


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back signals, and for good from the processes that are started inside.

    Ctrl-C reaches all processes of a terminal; workers are told by this process alone.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, runtime: Runtime) -> None:
    """Run the tasks that are sent until the other end is closed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    painter = Painter(runtime)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            if isinstance(task, Task):
                said: object
                try:
                    painter.load(task)
                    connection.send(_LOADED)
                    said = painter.paint(task, connection.poll)
                except Exception as error:
                    said = error
                connection.send(said)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(int(ExitCode.TERMINATED))
