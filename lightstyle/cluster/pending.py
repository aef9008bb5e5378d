"""A task on its way over a cluster, and the worker that has it, as seen from here."""

import re
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from ..errors import ExitCode, LightstyleError, describe
from ..files import atomic_write
from ..jobs.painter import is_finished
from ..jobs.task import Task, TaskOutcome, TaskState
from ..records.checkpoint import Checkpoint


@dataclass(eq=False)
class PendingTask:
    """A task on its way.

    Attributes:
        task: The task.
        future: Its future.
        deaths: Workers in a row that died at it while it came no further.
        is_sent: Whether its files must be sent.
        number: Number of its parcel.
        given_up: Whether it is to be given up.
        until: When its worker is killed, if it is.
    """

    task: Task
    future: Future[TaskOutcome] = field(default_factory=Future)
    deaths: int = 0
    is_sent: bool = False
    number: int = 0
    given_up: bool = False
    until: float = inf
    _came: int = 0

    def unsent(self, weights: str) -> TaskOutcome | None:
        """Return the outcome if files would be sent for nothing.

        Args:
            weights: SHA-256 of the weights of its model.

        Raises:
            LightstyleError: The output cannot be written.
        """
        task = self.task
        if task.callback is not None:
            return TaskOutcome.failure(
                "a node of the cluster does not see the folder of the job: it must lie "
                "on storage that all nodes share",
                ExitCode.CLUSTER,
            )
        if task.output is not None and is_finished(task, task.output, weights):
            return TaskOutcome(state=TaskState.SKIPPED, path=task.output.path)
        return None

    def keep(self, checkpoint: bytes | None) -> None:
        """Write a checkpoint that was sent to its place."""
        if checkpoint is not None and self.task.kept is not None:
            with suppress(LightstyleError):  # the disk is full: the next, perhaps
                atomic_write(self.task.kept.checkpoint, checkpoint)

    def end(self, outcome: TaskOutcome, picture: bytes | None = None) -> None:
        """Say what became of it; the run need not be continued.

        Args:
            outcome: What became of it.
            picture: The finished picture, if it was sent.
        """
        output = self.task.output
        if output is not None and outcome.state is not TaskState.FAILED:
            outcome = replace(outcome, path=output.path)
            try:
                if picture is not None:
                    atomic_write(output.path, picture)
            except LightstyleError as error:
                outcome = TaskOutcome.failure(*describe(error), outcome.seconds)
        if self.task.kept is not None:
            Checkpoint(self.task.kept.checkpoint).remove()
        self.future.set_result(outcome)

    def lose(self, why: str, most: int) -> bool:
        """Take note that its worker died; returns whether another one goes on with it.

        Args:
            why: What Ray says.
            most: Workers that may die at it in a row.
        """
        if self.given_up:
            self.future.set_exception(CancelledError())
            return False
        came = self._checkpointed()
        self.deaths = self.deaths + 1 if came == self._came else 1
        self._came = came
        if self.deaths < most:
            return True
        times = "" if self.deaths == 1 else f" {self.deaths} times"
        found = re.search(r"\bip: (\S+)", why)
        where = f", on node {found[1]} the last time" if found else ""
        outcome = TaskOutcome.failure(
            f"its worker died{times}{where}, perhaps for lack of memory; choose a "
            "smaller size",
            ExitCode.TRANSFER,
        )
        self.future.set_result(replace(outcome, died=-9))
        return False

    def _checkpointed(self) -> int:
        """Return when its checkpoint was written; 0 if there is none."""
        with suppress(OSError):
            if self.task.kept is not None:
                return self.task.kept.checkpoint.stat().st_mtime_ns
        return 0


@dataclass(eq=False)
class Desk:
    """A worker.

    Attributes:
        actor: Its handle.
        is_shared: Whether it sees the folder of the results.
        pending: What it works on.
    """

    actor: Any
    is_shared: bool = False
    pending: PendingTask | None = None
