"""What runs tasks: an interface, and the implementation inside this process.

`pool.ProcessPool` implements it with several processes. Commands know the interface
alone, so an executor on other machines needs no change in them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from math import inf
from time import sleep
from typing import Any, Final, Self

from .painter import Painter, Runtime
from .task import Task, TaskOutcome, TaskState

#: Seconds between two looks at what cannot be waited for.
POLL: Final = 0.2

_END: Final[Any] = object()


class Executor(ABC):
    """Runs tasks; as a context manager, it shuts down at the end.

    A task that fails is a result: its outcome has the reason. A future raises
    `LightstyleError` if the model or the device is at fault, which no other task would
    survive either, and `CancelledError` if its task was given up.

    Attributes:
        slots: Number of tasks that run at a time.
    """

    slots: int = 1

    @abstractmethod
    def submit(self, task: Task) -> Future[TaskOutcome]:
        """Have `task` run, when its turn comes."""

    @abstractmethod
    def cancel(self, future: Future[TaskOutcome], patience: float = inf) -> None:
        """Give up the task of `future`, waiting or running, unless it ends first.

        The future is done as soon as nothing works on the task any longer.

        Args:
            future: Future of the task.
            patience: Seconds that the evaluation in progress may take to end; after
                them its process is killed, if it has one of its own.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Give up all tasks at once and free everything."""

    def __enter__(self) -> Self:
        """Return the executor."""
        return self

    def __exit__(self, *error: object) -> None:
        """Shut down."""
        self.shutdown()

    def run(
        self, tasks: Iterable[Task | None], stopping: Callable[[], bool]
    ) -> Generator[tuple[Task, TaskOutcome]]:
        """Run many tasks, of which at most two per slot are in flight.

        Args:
            tasks: The tasks, taken as slots become free; None where there is nothing
                to do yet.
            stopping: Asked again and again; once true, running tasks are given up.

        Yields:
            Each task with its outcome, as it ends.

        Raises:
            LightstyleError: The model or the device is at fault.
        """
        todo, more = iter(tasks), True
        pending: dict[Future[TaskOutcome], Task] = {}
        while more or pending:
            task = None
            if more and len(pending) < 2 * self.slots:
                task = next(todo, _END)
                if task is _END:
                    more = False
                    continue
            if stopping():
                break
            if task is not None:
                pending[self.submit(task)] = task
            yield from _ended(pending, POLL if task is None else 0.0)
        for future in pending:
            self.cancel(future)
        while pending:
            for task, outcome in _ended(pending, POLL):
                if outcome.state is not TaskState.FAILED:
                    yield task, outcome


class InProcess(Executor):
    """Runs each task in the thread that submits it: futures are done when returned."""

    def __init__(self, runtime: Runtime, stopping: Callable[[], bool]) -> None:
        """Load nothing yet.

        Args:
            runtime: What the model runs on.
            stopping: Asked after every evaluation, since nobody can call `cancel` in
                the meantime; once true, the task is given up.
        """
        self._painter = Painter(runtime)
        self._stopping = stopping

    def submit(self, task: Task) -> Future[TaskOutcome]:
        """Run `task` and return its future, which is done."""
        future: Future[TaskOutcome] = Future()
        try:
            if (outcome := self._painter.paint(task, self._stopping)) is None:
                raise CancelledError
            future.set_result(outcome)
        except Exception as error:
            future.set_exception(error)
        return future

    def cancel(self, future: Future[TaskOutcome], patience: float = inf) -> None:
        """Do nothing: the task has ended."""

    def shutdown(self) -> None:
        """Free the model."""
        self._painter.unload()


def _ended(
    pending: dict[Future[TaskOutcome], Task], seconds: float
) -> Iterator[tuple[Task, TaskOutcome]]:
    """Take out of `pending` what ends within some seconds; those given up are lost."""
    if not pending:
        sleep(seconds)
        return
    for future in wait(pending, seconds, FIRST_COMPLETED).done:
        task = pending.pop(future)
        try:
            outcome = future.result()
        except CancelledError:
            continue
        yield task, outcome
