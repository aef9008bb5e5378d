"""An executor on a Ray cluster: as many pictures at a time as its machines hold.

One thread does everything: it starts workers, hands them tasks, takes the checkpoints
of their runs, and gives a task whose worker died to another one. A worker is an actor
that stays, so that a model is loaded once.
"""

import itertools
import re
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

from ..errors import ClusterError, ExitCode, LightstyleError, describe
from ..files import atomic_write
from ..jobs.executor import POLL, Executor
from ..jobs.painter import is_finished
from ..jobs.task import JobOutcome, JobState, Task
from ..records.checkpoint import Checkpoint
from ..text import one_line
from .connection import Cluster
from .demand import Demand
from .models import Models
from .parcel import Parcel, Reply
from .probe import Probe
from .remote import RemoteWorker

#: Workers in a row that may die at a task while it comes no further. Some may be killed
#: for another reason before the first checkpoint.
DEATHS: Final = 5

#: Workers in a row that may die before they are ready.
_STILLBORN: Final = 3

#: Methods of a worker that run beside each other: painting, looking, giving up.
_BESIDE: Final = 3


@dataclass(eq=False)
class _Job:
    """A task on its way.

    Attributes:
        task: The task.
        future: Its future.
        deaths: Workers in a row that died at it while it came no further.
        kept: What its checkpoint looked like when a worker last died at it.
        is_sent: Whether its files must be sent.
        number: Number of its parcel.
        given_up: Whether it is to be given up.
        until: When its worker is killed, if it is.
    """

    task: Task
    future: Future[JobOutcome]
    deaths: int = 0
    kept: float = 0.0
    is_sent: bool = False
    number: int = 0
    given_up: bool = False
    until: float = inf


@dataclass(eq=False)
class _Desk:
    """A worker, as seen from here.

    Attributes:
        actor: Its handle.
        is_shared: Whether it sees the folder of the results.
        job: What it works on.
    """

    actor: Any
    is_shared: bool = False
    job: _Job | None = field(default=None)


class RayExecutor(Executor):
    """Runs tasks on a cluster."""

    def __init__(
        self,
        cluster: Cluster,
        demand: Demand,
        folder: Path,
        deaths: int = DEATHS,
    ) -> None:
        """Start no worker yet.

        Args:
            cluster: The cluster.
            demand: What each worker takes of its machine, and runs on.
            folder: Folder of the results, for which workers look.
            deaths: Workers that may die at a task in a row while it comes no further.
        """
        self._cluster, self._ray, self._demand = cluster, cluster.ray, demand
        self._models, self._deaths = Models(demand.runtime.model), deaths
        self._probe = Probe(folder)
        hired = self._ray.remote(RemoteWorker).options(
            max_concurrency=_BESIDE, **demand.options
        )
        self._hire = partial(hired.remote, replace(demand.runtime, model=None))
        self.slots, self._counted = demand.slots(cluster.nodes), monotonic()
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[_Job] = deque()
        self._desks: set[_Desk] = set()
        self._idle: list[_Desk] = []
        self._expected: dict[Any, Callable[[Any], None]] = {}
        self._numbers = itertools.count(1)
        self._stillborn = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="cluster", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Future[JobOutcome]:
        """Have `task` run, when its turn comes."""
        job = _Job(task, Future())
        self._inbox.put(partial(self._waiting.append, job))
        return job.future

    def cancel(self, future: Future[JobOutcome], patience: float = inf) -> None:
        """Give up the task of `future`, waiting or running, unless it ends first."""
        self._inbox.put(partial(self._give_up, future, patience))

    def shutdown(self) -> None:
        """Give up all tasks at once and free everything."""
        self._closed = True
        self._thread.join()
        self._probe.close()

    def _work(self) -> None:
        """Do everything until it is closed."""
        try:
            while not self._closed:
                self._take_messages()
                self._staff()
                self._kill_overdue()
                self._take_news()
        except Exception as error:  # of Ray: its classes have no common base
            if not isinstance(error, LightstyleError):
                error = ClusterError(
                    f"cluster {self._cluster.address} was lost: "
                    f"{one_line(str(error) or type(error).__name__)}"
                )
            self._fail_all(error)
        finally:
            self._closed = True
            for desk in self._desks:
                with suppress(Exception):
                    self._ray.kill(desk.actor)
            self._take_messages()
            self._fail_all(CancelledError())

    def _take_messages(self) -> None:
        with suppress(Empty):
            while True:
                self._inbox.get_nowait()()

    def _take_news(self) -> None:
        """Wait a little for what workers say, and act on it."""
        if not self._expected:
            with suppress(Empty):
                self._inbox.get(timeout=POLL)()
            return
        wait = self._ray.wait
        if not wait([*self._expected], timeout=POLL)[0]:
            return
        count = len(self._expected)
        for ref in wait([*self._expected], num_returns=count, timeout=0)[0]:
            self._expected.pop(ref)(ref)

    def _staff(self) -> None:
        """Give waiting tasks to workers, and start more of these if they help."""
        if monotonic() - self._counted > 1:
            self.slots = self._demand.slots(self._cluster.nodes)
            self._counted = monotonic()
        while self._waiting and self._idle:
            self._begin(self._idle.pop(), self._waiting.popleft())
        starting = sum(desk.job is None for desk in self._desks) - len(self._idle)
        more = min(self.slots - len(self._desks), len(self._waiting) - starting)
        for _ in range(more):
            desk = _Desk(self._hire())
            self._desks.add(desk)
            ready = desk.actor.sees.remote(self._probe.path, self._probe.content)
            self._expected[ready] = partial(self._ready, desk)

    def _ready(self, desk: _Desk, ref: Any) -> None:
        """Take in a worker that has started, or has not.

        Raises:
            ClusterError: None starts.
        """
        try:
            desk.is_shared = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._desks.discard(desk)
            self._stillborn += 1
            if self._stillborn == _STILLBORN:
                raise ClusterError(
                    f"no worker starts on cluster {self._cluster.address}: "
                    f"{one_line(str(error))}"
                ) from error
            return
        self._stillborn = 0
        self._idle.append(desk)

    def _begin(self, desk: _Desk, job: _Job) -> None:
        """Give a task to a worker, unless there is nothing to do or it cannot be."""
        if job.future.done():  # it was given up
            self._idle.append(desk)
            return
        try:
            model = self._models.of(job.task)
        except LightstyleError as error:
            self._idle.append(desk)
            job.future.set_exception(error)
            return
        parcel = Parcel.of(next(self._numbers), job.task)
        try:
            if job.is_sent or not desk.is_shared:
                outcome = self._here(job, model.weights)
                if outcome is not None:
                    self._idle.append(desk)
                    self._end(job, outcome)
                    return
                parcel = parcel.with_contents()
        except LightstyleError as error:
            self._idle.append(desk)
            self._end(job, JobOutcome.failure(*describe(error)))
            return
        desk.job, job.number = job, parcel.number
        self._paint(desk, job, parcel)
        self._watch(desk, job, job.number, 0)

    def _paint(self, desk: _Desk, job: _Job, parcel: Parcel, *contents: Any) -> None:
        model = self._models.of(job.task)
        ref = desk.actor.paint.remote(parcel, model, *contents)
        self._expected[ref] = partial(self._painted, desk, job, parcel)

    def _here(self, job: _Job, weights: str) -> JobOutcome | None:
        """Return the outcome of a task whose files would be sent for nothing."""
        task = job.task
        if task.callback is not None:
            return JobOutcome.failure(
                "a node of the cluster does not see the folder of the job: it must lie "
                "on storage that all nodes share",
                ExitCode.CLUSTER,
            )
        if task.output is not None and is_finished(task, task.output, weights):
            return JobOutcome(state=JobState.SKIPPED, path=task.output.path)
        return None

    def _watch(self, desk: _Desk, job: _Job, number: int, known: int) -> None:
        ref = desk.actor.watch.remote(number, known)
        self._expected[ref] = partial(self._watched, desk, job, number)

    def _watched(self, desk: _Desk, job: _Job, number: int, ref: Any) -> None:
        """Keep the checkpoint of a run, and look at it again."""
        with suppress(self._ray.exceptions.RayError):  # `_painted` hears of it, too
            known, checkpoint = self._ray.get(ref)
            if desk.job is job and job.number == number:
                self._keep(job, checkpoint)
                self._watch(desk, job, number, known)

    def _keep(self, job: _Job, checkpoint: bytes | None) -> None:
        if checkpoint is not None and job.task.kept is not None:
            with suppress(LightstyleError):  # the disk is full: the next, perhaps
                atomic_write(job.task.kept.checkpoint, checkpoint)

    def _painted(self, desk: _Desk, job: _Job, parcel: Parcel, ref: Any) -> None:
        """Take what a worker says of a task.

        Raises:
            LightstyleError: The model or the device is at fault.
        """
        try:
            reply: Reply = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._desks.discard(desk)
            self._died(job, str(error))
            return
        if reply.lacks_model:
            self._paint(desk, job, parcel, self._models.sent(job.task, self._ray))
            return
        desk.job = None
        self._idle.append(desk)
        if reply.fault is not None:
            job.future.set_exception(reply.fault)
        elif reply.lacks_files:
            job.is_sent = True
            self._waiting.appendleft(job)
        elif reply.outcome is not None:
            self._end(job, self._delivered(job, reply.outcome, reply.picture))
        else:
            self._keep(job, reply.checkpoint)
            if job.given_up:
                job.future.set_exception(CancelledError())
            else:  # it was not looked after for long
                self._waiting.appendleft(job)

    def _delivered(
        self, job: _Job, outcome: JobOutcome, picture: bytes | None
    ) -> JobOutcome:
        """Write a picture that was sent to its place."""
        output = job.task.output
        if output is None or outcome.state is JobState.FAILED:
            return outcome
        if picture is not None:
            try:
                atomic_write(output.path, picture)
            except LightstyleError as error:
                return JobOutcome.failure(*describe(error), outcome.seconds)
        return replace(outcome, path=output.path)

    def _died(self, job: _Job, why: str) -> None:
        """Have another worker go on with a task, unless it is the task's fault."""
        if job.given_up:
            job.future.set_exception(CancelledError())
            return
        kept = _changed(job.task)
        job.deaths = job.deaths + 1 if kept == job.kept else 1
        job.kept = kept
        if job.deaths < self._deaths:
            self._waiting.appendleft(job)
            return
        times = "" if job.deaths == 1 else f" {job.deaths} times"
        found = re.search(r"\bip: (\S+)", why)
        where = f", on node {found[1]} the last time" if found else ""
        outcome = JobOutcome.failure(
            f"its worker died{times}{where}, perhaps for lack of memory; choose a "
            "smaller size",
            ExitCode.TRANSFER,
        )
        job.future.set_result(replace(outcome, died=-9))

    def _end(self, job: _Job, outcome: JobOutcome) -> None:
        """Say what became of a task whose run need not be continued."""
        kept = job.task.kept
        if kept is not None:
            Checkpoint(kept.checkpoint).remove()
        job.future.set_result(outcome)

    def _give_up(self, future: Future[JobOutcome], patience: float) -> None:
        for job in [each for each in self._waiting if each.future is future]:
            self._waiting.remove(job)
            future.set_exception(CancelledError())
        for desk in self._desks:
            job_ = desk.job
            if job_ is not None and job_.future is future:
                job_.given_up = True
                job_.until = min(job_.until, monotonic() + patience)
                desk.actor.give_up.remote(job_.number)

    def _kill_overdue(self) -> None:
        for desk in self._desks:
            if desk.job is not None and monotonic() > desk.job.until:
                desk.job.until = inf
                self._ray.kill(desk.actor)

    def _fail_all(self, error: BaseException) -> None:
        """Have all tasks end with an error."""
        jobs = [*self._waiting, *(desk.job for desk in self._desks if desk.job)]
        self._waiting.clear()
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(error)


def _changed(task: Task) -> float:
    """Return when the checkpoint of a task was written; 0 if there is none."""
    with suppress(OSError):
        if task.kept is not None:
            return task.kept.checkpoint.stat().st_mtime
    return 0.0
