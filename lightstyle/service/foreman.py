"""Sees a job through: attempts, deaths of workers, cancelling, and the end of time.

Everything that it decides comes from the journal of the job, so that it can begin again
after any interruption, with the same result.
"""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from dataclasses import replace
from threading import Lock
from time import sleep, time
from typing import Final

from ..errors import LightstyleError, describe
from ..jobs.executor import Executor
from ..jobs.task import Task, TaskOutcome
from .endings import Endings, Why
from .journal import State
from .limits import Limits
from .recorder import Recorder
from .slots import Slots
from .store import Job, Store

#: Seconds until it is tried again to write to a disk that is full.
_PAUSE: Final = 5.0


class ClosingError(BaseException):
    """The server stops: the job goes back to the queue.

    No `Exception`, so that the queue does not take it for the end of the job.
    """


class Foreman:
    """Runs jobs on an executor, as many at a time as that has slots.

    Attributes:
        closing: Whether the server stops.
        ended: Attempts that have ended.
        deaths: Processes that died at a job.
        evaluations: Evaluations of the attempts.
        seconds: Time that the attempts took.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        limits: Limits,
        log: Callable[[str], None],
    ) -> None:
        """Run nothing yet.

        Args:
            store: The jobs.
            executor: Runs them.
            limits: How long they may take.
            log: Takes what the operator should know.
        """
        self._store, self._executor = store, executor
        self._limits, self._log = limits, log
        self._endings = Endings(limits, log)
        self._slots = Slots(executor.slots)
        self._beginning = Lock()
        self._running: dict[str, Future[TaskOutcome]] = {}
        self._why: dict[str, Why] = {}
        self.closing = False
        self.ended = self.deaths = self.evaluations = 0
        self.seconds = 0.0

    def perform(self, id_: str) -> None:
        """See a job through to its end; one that has ended or is gone needs nothing.

        Raises:
            ClosingError: The server stops before.
        """
        while (job := self._store.get(id_)) and not job.look().state.is_final:
            try:
                task = job.folder.task(self._limits.checkpoint)
                with self._slots.held(job.number):
                    if id_ in self._running:  # retried before its turn had ended
                        return
                    outcome = self._run(job, task)
                if outcome:  # meanwhile the next job runs
                    self._conclude(job, *outcome)
                job.folder.journal.flush()
            except OSError as error:  # the journal, without which nothing goes on
                self._log(f"job {id_}: its journal cannot be written: {error}")
                sleep(_PAUSE)
            except Exception as error:  # a fault of ours
                self._log(f"job {id_}: {describe(error)[0]}")
                self._endings.fault(job)
        if job is not None and job.status.erase:
            self._store.erase(job)

    def retry(self, job: Job) -> bool:
        """Put a job that failed or was cancelled back to the queue.

        Returns:
            Whether it had ended in that way.
        """
        with job.lock:
            if job.look().state not in (State.FAILED, State.CANCELLED):
                return False
            self._store.revive(job)
        job.folder.journal.flush()
        return True

    def cancel(self, job: Job, *, erase: bool = False) -> bool:
        """End a job, keeping its best picture.

        Args:
            job: The job.
            erase: Whether everything of it is to be removed.

        Returns:
            Whether it had not ended before.
        """
        with job.lock:
            if job.look().state.is_final:
                return False
            future = self._running.get(job.spec.id)
            if future is None:
                self._endings.end(job, State.CANCELLED)
            else:
                if erase or job.status.state is not State.CANCELLING:
                    job.change(State.CANCELLING, erase=erase)
                self._give_up(job.spec.id, future, Why.CANCEL, self._limits.patience)
        job.folder.journal.flush()
        return True

    def close(self) -> None:
        """Send all jobs back to the queue, from their checkpoints, and wait for it."""
        with self._beginning:
            self.closing = True
            running = dict(self._running)
        for id_, future in running.items():
            self._give_up(id_, future, Why.CLOSING, self._limits.drain)
        wait(running.values(), self._limits.drain + 2)
        self._executor.shutdown()

    @property
    def running(self) -> int:
        """Number of jobs that run."""
        return len(self._running)

    def _run(self, job: Job, task: Task) -> tuple[TaskOutcome | None] | None:
        """Run a job until it ends, again if its process dies.

        Returns:
            What became of it; None if that is written down already.

        Raises:
            ClosingError: The server stops.
        """
        while future := self._begin(job, task):
            began = job.status.evaluation
            outcome = self._outcome(job, future)
            self._count(job, began, outcome)
            if outcome is None or outcome.died is None:
                return (outcome,)
            self._conclude(job, outcome)
        return None

    def _begin(self, job: Job, task: Task) -> Future[TaskOutcome] | None:
        """Begin an attempt, unless the job has ended.

        Raises:
            ClosingError: The server stops.
        """
        limits, id_ = self._limits, job.spec.id
        with job.lock, self._beginning:
            if self.closing:
                raise ClosingError
            status = job.look()
            if status.state.is_final:  # cancelled while it waited for a slot
                return None
            if status.state is State.CANCELLING:  # the server died over it
                self._endings.end(job, State.CANCELLED)
                return None
            crashed = status.state is State.RUNNING
            if crashed and status.crashes + 1 >= limits.crashes:
                self._endings.dead(job, "the server", limits.crashes)
                return None
            job.change(State.RUNNING, attempt=status.attempt + 1)
            recorder = Recorder(
                job.folder.path, limits.preview, limits.best, status.preview
            )
            future = self._executor.submit(replace(task, callback=recorder))
            self._running[id_] = future
            return future

    def _outcome(self, job: Job, future: Future[TaskOutcome]) -> TaskOutcome | None:
        """Wait for what becomes of an attempt; None if it is given up."""
        limits, id_ = self._limits, job.spec.id
        left = max(0.0, limits.seconds - job.status.seconds)
        if not wait([future], left).done:
            self._give_up(id_, future, Why.TIMEOUT, limits.patience)
        try:
            return future.result()
        except CancelledError:
            return None
        except Exception as error:
            reason, code = describe(error)
            if not isinstance(error, LightstyleError):
                self._log(f"job {id_}: {reason}")
            return TaskOutcome.failure(reason, code)

    def _count(self, job: Job, began: int, outcome: TaskOutcome | None) -> None:
        status = job.look()
        with self._beginning:
            self.ended += 1
            self.deaths += outcome is not None and outcome.died is not None
            self.evaluations += max(0, status.evaluation - began)
            self.seconds += time() - status.since

    def _give_up(
        self, id_: str, future: Future[TaskOutcome], why: Why, patience: float
    ) -> None:
        self._why.setdefault(id_, why)
        self._executor.cancel(future, patience)

    def _conclude(self, job: Job, outcome: TaskOutcome | None) -> None:
        """Write down what an attempt has led to.

        Raises:
            ClosingError: It goes on when the server is back.
        """
        with job.lock:
            why = self._why.pop(job.spec.id, None)
            self._running.pop(job.spec.id)
            self._endings.attempt(job, outcome, why)
        if why is Why.CLOSING and not job.status.state.is_final:
            raise ClosingError
