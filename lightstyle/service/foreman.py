"""Sees a job through: attempts, deaths of workers, cancelling, and the end of time.

Everything that it decides comes from the journal of the job, so that it can begin again
after any interruption, with the same result.
"""

import os
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from time import sleep, time
from typing import Any, Final

from ..errors import ExitCode, LightstyleError, describe
from ..jobs.executor import Executor
from ..jobs.task import JobOutcome, JobState
from .journal import State
from .limits import Limits
from .problems import FAILURES
from .recorder import Recorder
from .slots import Slots
from .store import Job, Store

#: What a client is told when the fault is not in what it sent; the log has the reason.
_HIDDEN: Final = {
    ExitCode.BUG: "a fault of lightstyle; the log of the server says more",
    ExitCode.MODEL: "the model cannot be used; the log of the server says more",
    ExitCode.DEVICE: "the device cannot be used; the log of the server says more",
    ExitCode.NETWORK: "the model cannot be had; the log of the server says more",
    ExitCode.OUTPUT: "a file cannot be written, perhaps as the disk is full",
}

#: Seconds until it is tried again to write to a disk that is full.
_PAUSE: Final = 5.0


class Why(StrEnum):
    """Why a running job is given up."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    CLOSING = "closing"


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
        self._slots = Slots(executor.slots)
        self._running: dict[str, Future[JobOutcome]] = {}
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
            with self._slots.held(job.number):
                if id_ in self._running:  # it was retried before its turn had ended
                    return
                try:
                    self._attempt(job)
                except OSError as error:  # the journal, without which nothing goes on
                    self._log(f"job {id_}: its journal cannot be written: {error}")
                    sleep(_PAUSE)
        if job is not None and job.status.erase:
            self._store.erase(job)

    def retry(self, job: Job) -> bool:
        """Put a job that failed or was cancelled back to the queue.

        Returns:
            Whether it had ended in that way.
        """
        with self._store.lock:
            if job.look().state not in (State.FAILED, State.CANCELLED):
                return False
            self.requeue(job)
        return True

    def requeue(self, job: Job) -> None:
        """Begin another turn of a job."""
        job.folder.journal.state(State.QUEUED, retry=True)
        job.look()

    def cancel(self, job: Job, *, erase: bool = False) -> bool:
        """End a job, keeping its best picture.

        Args:
            job: The job.
            erase: Whether everything of it is to be removed.

        Returns:
            Whether it had not ended before.
        """
        with self._store.lock:
            if job.look().state.is_final:
                return False
            future = self._running.get(job.spec.id)
            if future is None:
                self._end(job, State.CANCELLED)
                return True
            if erase or job.status.state is not State.CANCELLING:
                job.folder.journal.state(State.CANCELLING, erase=erase)
            self._give_up(job.spec.id, future, Why.CANCEL, self._limits.patience)
        return True

    def close(self) -> None:
        """Send all jobs back to the queue, from their checkpoints, and wait for it."""
        with self._store.lock:
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

    def _attempt(self, job: Job) -> None:
        """Run a job until it ends, or its process dies.

        Raises:
            ClosingError: The server stops.
        """
        limits, id_ = self._limits, job.spec.id
        with self._store.lock:
            if self.closing:
                raise ClosingError
            status = job.look()
            if status.state.is_final:  # cancelled while it waited for a slot
                return
            if status.state is State.CANCELLING:  # the server died over it
                self._end(job, State.CANCELLED)
                return
            crashed = status.state is State.RUNNING
            if crashed and status.crashes + 1 >= limits.crashes:
                self._fail_dead(job, "the server", limits.crashes)
                return
            job.folder.journal.state(State.RUNNING, attempt=status.attempt + 1)
            began = status.evaluation
            future = self._submit(job)
            self._running[id_] = future
        left = max(0.0, limits.seconds - status.seconds)
        if not wait([future], left).done:
            self._give_up(id_, future, Why.TIMEOUT, limits.patience)
        try:
            outcome: JobOutcome | None = future.result()
        except CancelledError:
            outcome = None
        except Exception as error:
            reason, code = describe(error)
            if not isinstance(error, LightstyleError):
                self._log(f"job {id_}: {reason}")
            outcome = JobOutcome.failure(reason, code)
        with self._store.lock:
            self._running.pop(id_)
            why = self._why.pop(id_, None)
            self._count(job, began, outcome)
            self._conclude(job, outcome, why)
        if why is Why.CLOSING and not job.look().state.is_final:
            raise ClosingError

    def _count(self, job: Job, began: int, outcome: JobOutcome | None) -> None:
        status = job.look()
        self.ended += 1
        self.deaths += outcome is not None and outcome.died is not None
        self.evaluations += max(0, status.evaluation - began)
        self.seconds += time() - status.since

    def _submit(self, job: Job) -> Future[JobOutcome]:
        limits = self._limits
        recorder = Recorder(
            job.folder.path, limits.preview, limits.best, job.status.preview
        )
        task = job.folder.task(limits.checkpoint)
        return self._executor.submit(replace(task, callback=recorder))

    def _give_up(
        self, id_: str, future: Future[JobOutcome], why: Why, patience: float
    ) -> None:
        self._why.setdefault(id_, why)
        self._executor.cancel(future, patience)

    def _conclude(self, job: Job, outcome: JobOutcome | None, why: Why | None) -> None:
        """Write down what an attempt has led to."""
        status = job.look()
        if outcome is None:
            if why is Why.CANCEL:
                self._end(job, State.CANCELLED)
            elif why is Why.TIMEOUT:
                self._fail(
                    job,
                    "timeout",
                    f"the job took more than {self._limits.seconds:g} s; the picture "
                    "so far is kept",
                )
            else:
                job.folder.journal.state(State.QUEUED, reason="closing")
        elif outcome.state is not JobState.FAILED:
            notes = [self._safe(job, note) for note in outcome.notes]
            self._end(job, State.DONE, notes=notes)
        elif outcome.died is None:
            self._log(f"job {job.spec.id}: {outcome.reason}")
            reason = _HIDDEN.get(outcome.code, outcome.reason)
            code = FAILURES.get(outcome.code, "internal")
            self._fail(job, code, self._safe(job, reason))
        elif status.deaths + 1 >= self._limits.deaths:
            self._log(f"job {job.spec.id}: {outcome.reason}")
            self._fail_dead(job, "its process", self._limits.deaths, exit=outcome.died)
        else:
            self._log(f"job {job.spec.id}: {outcome.reason}; it is tried again")
            job.folder.journal.state(State.QUEUED, reason="died", died=outcome.died)

    def _fail_dead(self, job: Job, who: str, times: int, **more: Any) -> None:
        self._fail(
            job,
            "worker_crashed",
            f"{who} died {times} times over it and it came no further, perhaps for "
            "lack of memory: choose a smaller size",
            **more,
        )

    def _fail(self, job: Job, code: str, reason: str, **more: Any) -> None:
        self._end(job, State.FAILED, code=code, reason=reason, **more)

    def _end(self, job: Job, state: State, **more: Any) -> None:
        """Write down that a job has ended, with what is known of its picture."""
        progress = job.look().progress
        known = ("evaluation", "evaluations", "loss", "seconds")
        last = {name: progress[name] for name in known if name in progress}
        with suppress(OSError):  # the state matters more
            full = more.get("code") == "storage"  # the next line needs some room
            job.folder.tidy(done=full or state is State.DONE)
        job.folder.journal.state(
            state, picture=job.folder.picture.exists(), **{**last, **more}
        )
        self._log(f"job {job.spec.id}: {state}")

    def _safe(self, job: Job, said: str) -> str:
        """Leave out where the server has its files."""
        return said.replace(f"{job.folder.path}{os.sep}", "")
