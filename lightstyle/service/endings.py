"""How jobs end, and what their journals and clients are told about it."""

import os
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

from ..errors import ExitCode
from ..jobs.task import TaskOutcome, TaskState
from .journal import State
from .limits import Limits
from .problems import FAILURES
from .store import Job

#: What a client is told when the fault is not in what it sent; the log has the reason.
_HIDDEN: Final = {
    ExitCode.BUG: "a fault of lightstyle; the log of the server says more",
    ExitCode.MODEL: "the model cannot be used; the log of the server says more",
    ExitCode.DEVICE: "the device cannot be used; the log of the server says more",
    ExitCode.NETWORK: "the model cannot be had; the log of the server says more",
    ExitCode.OUTPUT: "a file cannot be written, perhaps as the disk is full",
}


class Why(StrEnum):
    """Why a running job is given up."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    CLOSING = "closing"


class Endings:
    """Writes down how attempts and jobs end."""

    def __init__(self, limits: Limits, log: Callable[[str], None]) -> None:
        """Go by limits, and tell the operator."""
        self._limits, self._log = limits, log

    def attempt(self, job: Job, outcome: TaskOutcome | None, why: Why | None) -> None:
        """Write down what an attempt has led to.

        Args:
            job: The job.
            outcome: What became of the attempt; None if it was given up.
            why: Why that was.
        """
        status = job.look()
        if outcome is None:
            if why is Why.CANCEL:
                self.end(job, State.CANCELLED)
            elif why is Why.TIMEOUT:
                self._fail(
                    job,
                    "timeout",
                    f"the job took more than {self._limits.seconds:g} s; the picture "
                    "so far is kept",
                )
            else:
                job.change(State.QUEUED, reason="closing")
        elif outcome.state is not TaskState.FAILED:
            notes = [self._safe(job, note) for note in outcome.notes]
            self.end(job, State.DONE, notes=notes)
        elif outcome.died is None:
            self._log(f"job {job.spec.id}: {outcome.reason}")
            reason = _HIDDEN.get(outcome.code, outcome.reason)
            code = FAILURES.get(outcome.code, "internal")
            self._fail(job, code, self._safe(job, reason))
        elif status.deaths + 1 >= self._limits.deaths:
            self._log(f"job {job.spec.id}: {outcome.reason}")
            self.dead(job, "its process", self._limits.deaths, exit=outcome.died)
        else:
            self._log(f"job {job.spec.id}: {outcome.reason}; it is tried again")
            job.change(State.QUEUED, reason="died", died=outcome.died)

    def fault(self, job: Job) -> None:
        """Fail a job over a fault of ours."""
        self._fail(job, "internal", _HIDDEN[ExitCode.BUG])

    def dead(self, job: Job, who: str, times: int, **more: Any) -> None:
        """Fail a job over which somebody died too often."""
        self._fail(
            job,
            "worker_crashed",
            f"{who} died {times} times over it and it came no further, perhaps for "
            "lack of memory: choose a smaller size",
            **more,
        )

    def _fail(self, job: Job, code: str, reason: str, **more: Any) -> None:
        self.end(job, State.FAILED, code=code, reason=reason, **more)

    def end(self, job: Job, state: State, **more: Any) -> None:
        """Write down that a job has ended, with what is known of its picture."""
        progress = job.look().progress
        known = ("evaluation", "evaluations", "loss", "seconds")
        last = {name: progress[name] for name in known if name in progress}
        with suppress(OSError):  # the state matters more
            full = more.get("code") == "storage"  # the next line needs some room
            job.folder.tidy(done=full or state is State.DONE)
        picture = job.folder.picture.exists()
        job.change(state, picture=picture, **{**last, **more})
        self._log(f"job {job.spec.id}: {state}")

    def _safe(self, job: Job, said: str) -> str:
        """Leave out where the server has its files."""
        return said.replace(f"{job.folder.path}{os.sep}", "")
