"""An executor on a Ray cluster: as many pictures at a time as its machines hold.

One thread does everything: it starts workers, hands them tasks, takes the checkpoints
of their runs, and gives a task whose worker died to another one. A worker is an actor
that stays, so that a model is loaded once.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

from ..errors import ClusterError, LightstyleError, describe
from ..jobs.executor import POLL, Executor
from ..jobs.task import Task, TaskOutcome
from ..text import one_line
from .band_crew import DEATHS
from .connection import Cluster
from .demand import Demand
from .models import Models
from .parcel import Parcel, Reply
from .pending import Desk, PendingTask
from .probe import Probe
from .remote import RemoteWorker

#: Workers in a row that may die before they are ready: some may be killed meanwhile.
_STILLBORN: Final = 10

#: Methods of a worker that run beside each other: painting, looking, giving up.
_BESIDE: Final = 3


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
        self._waiting: deque[PendingTask] = deque()
        self._desks: set[Desk] = set()
        self._idle: list[Desk] = []
        self._expected: dict[Any, Callable[[Any], None]] = {}
        self._numbers = itertools.count(1)
        self._stillborn = 0
        self._closed = False
        self._end: BaseException | None = None
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="cluster", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Future[TaskOutcome]:
        """Have `task` run, when its turn comes.

        Once the cluster is lost, the future raises the ClusterError that says so.
        """
        pending = PendingTask(task)
        with self._ending:
            if self._end is None:
                self._inbox.put(partial(self._waiting.append, pending))
            else:  # nobody reads the inbox any more
                pending.future.set_exception(self._end)
        return pending.future

    def cancel(self, future: Future[TaskOutcome], patience: float = inf) -> None:
        """Give up the task of `future`, waiting or running, unless it ends first."""
        self._inbox.put(partial(self._give_up, future, patience))

    def shutdown(self) -> None:
        """Give up all tasks at once and free everything."""
        self._closed = True
        self._thread.join()
        self._probe.close()

    def _work(self) -> None:
        """Do everything until it is closed, or the cluster is lost."""
        end: BaseException = CancelledError()
        try:
            while not self._closed:
                self._take_messages()
                self._staff()
                self._kill_overdue()
                self._take_news()
        except Exception as error:  # of Ray: its classes have no common base
            end = error
            if not isinstance(error, LightstyleError):
                end = ClusterError(
                    f"cluster {self._cluster.address} was lost: "
                    f"{one_line(str(error) or type(error).__name__)}"
                )
            self._fail_all(end)
        for desk in self._desks:
            with suppress(Exception):
                self._ray.kill(desk.actor)
        with self._ending:
            self._end = end
        self._take_messages()
        self._fail_all(end)

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
        starting = sum(desk.pending is None for desk in self._desks) - len(self._idle)
        more = min(self.slots - len(self._desks), len(self._waiting) - starting)
        for _ in range(more):
            desk = Desk(self._hire())
            self._desks.add(desk)
            ready = desk.actor.sees.remote(self._probe.path, self._probe.content)
            self._expected[ready] = partial(self._ready, desk)

    def _ready(self, desk: Desk, ref: Any) -> None:
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

    def _begin(self, desk: Desk, pending: PendingTask) -> None:
        """Give a task to a worker, unless there is nothing to do or it cannot be."""
        if pending.future.done():  # it was given up
            self._idle.append(desk)
            return
        try:
            model = self._models.of(pending.task)
        except LightstyleError as error:
            self._idle.append(desk)
            pending.future.set_exception(error)
            return
        parcel = Parcel.of(next(self._numbers), pending.task)
        try:
            if pending.is_sent or not desk.is_shared:
                if outcome := pending.unsent(model.weights):
                    self._idle.append(desk)
                    pending.end(outcome)
                    return
                parcel = parcel.with_contents()
        except LightstyleError as error:
            self._idle.append(desk)
            pending.end(TaskOutcome.failure(*describe(error)))
            return
        desk.pending, pending.number = pending, parcel.number
        self._paint(desk, pending, parcel)
        self._watch(desk, pending, pending.number, 0)

    def _paint(
        self, desk: Desk, pending: PendingTask, parcel: Parcel, *contents: Any
    ) -> None:
        model = self._models.of(pending.task)
        ref = desk.actor.paint.remote(parcel, model, *contents)
        self._expected[ref] = partial(self._painted, desk, pending, parcel)

    def _watch(self, desk: Desk, pending: PendingTask, number: int, known: int) -> None:
        ref = desk.actor.watch.remote(number, known)
        self._expected[ref] = partial(self._watched, desk, pending, number)

    def _watched(self, desk: Desk, pending: PendingTask, number: int, ref: Any) -> None:
        """Keep the checkpoint of a run, and look at it again."""
        with suppress(self._ray.exceptions.RayError):  # `_painted` hears of it, too
            known, checkpoint = self._ray.get(ref)
            if desk.pending is pending and pending.number == number:
                pending.keep(checkpoint)
                self._watch(desk, pending, number, known)

    def _painted(
        self, desk: Desk, pending: PendingTask, parcel: Parcel, ref: Any
    ) -> None:
        """Take what a worker says of a task.

        Raises:
            LightstyleError: The model or the device is at fault.
        """
        try:
            reply: Reply = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._desks.discard(desk)
            if pending.lose(str(error), self._deaths):
                self._waiting.appendleft(pending)
            return
        if reply.lacks_model:
            self._paint(
                desk, pending, parcel, self._models.sent(pending.task, self._ray)
            )
            return
        desk.pending = None
        self._idle.append(desk)
        if reply.fault is not None:
            pending.future.set_exception(reply.fault)
        elif reply.lacks_files:
            pending.is_sent = True
            self._waiting.appendleft(pending)
        elif reply.outcome is not None:
            pending.end(reply.outcome, reply.picture)
        else:
            pending.keep(reply.checkpoint)
            if pending.given_up:
                pending.future.set_exception(CancelledError())
            else:  # it was not looked after for long
                self._waiting.appendleft(pending)

    def _give_up(self, future: Future[TaskOutcome], patience: float) -> None:
        if future.done():  # perhaps because the cluster is lost, and no worker is left
            return
        for pending in [each for each in self._waiting if each.future is future]:
            self._waiting.remove(pending)
            future.set_exception(CancelledError())
        for desk in self._desks:
            given_up = desk.pending
            if given_up is not None and given_up.future is future:
                given_up.given_up = True
                given_up.until = min(given_up.until, monotonic() + patience)
                desk.actor.give_up.remote(given_up.number)

    def _kill_overdue(self) -> None:
        for desk in self._desks:
            if desk.pending is not None and monotonic() > desk.pending.until:
                desk.pending.until = inf
                self._ray.kill(desk.actor)

    def _fail_all(self, error: BaseException) -> None:
        """Have all tasks end with an error."""
        unfinished = [
            *self._waiting,
            *(desk.pending for desk in self._desks if desk.pending),
        ]
        self._waiting.clear()
        for pending in unfinished:
            if not pending.future.done():
                pending.future.set_exception(error)
