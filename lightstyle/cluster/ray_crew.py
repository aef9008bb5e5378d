"""Workers for bands as actors of a Ray cluster."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from ..engine import memory
from ..engine.model import Model
from ..errors import ClusterError, LightstyleError
from .band_crew import WorkerHandle, WorkerLostError
from .band_worker import BandWorker
from .connection import Cluster
from .demand import Demand
from .model_files import ModelFiles

#: Seconds in which workers must have loaded the model; of those that have not, the
#: others do the work.
_PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Place:
    """What a worker says of where it is.

    Attributes:
        host: Name of the machine.
        held: Bytes that the process holds with the model loaded.
        free: Bytes that are free on the machine.
        sums: Number of sums over positions that a band gives, for each region.
    """

    host: str
    held: int
    free: int
    sums: int


class _Actor:
    """The process of a worker."""

    def __init__(self, model: ModelFiles, threads: int | None) -> None:
        self._model, self._threads = model, threads
        self._worker: BandWorker | None = None

    def prepare(self, contents: Mapping[str, bytes] | None = None) -> Place | None:
        """Load the model; None if it is not here and its `contents` are not sent."""
        path = self._model.find(contents)
        if path is None:
            return None
        model = Model.load(path, "cpu", self._threads)
        worker = self._worker = BandWorker(model.tiled)
        host = socket.gethostname()
        return Place(host, memory.resident(), memory.available(), worker.sums())

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the `BandWorker`."""
        return getattr(self._worker, method)(*arguments)


class _RayWorker:
    """A worker as the driver sees it."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self.actor = ray, actor
        self.ready = actor.prepare.remote()

    def start(self, method: str, *arguments: Any) -> Any:
        return self.actor.call.remote(method, *arguments)

    def result(self, call: Any) -> Any:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(call)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, LightstyleError):
                raise error.cause from error
            raise
        except exceptions.RayError as error:
            raise WorkerLostError(self) from error


class RayCrew:
    """Workers of a cluster, each of which is replaced when it is lost.

    Attributes:
        places: What each worker said of where it is, when it began.
    """

    def __init__(self, cluster: Cluster, model: Model, demand: Demand) -> None:
        """Start the workers, and wait for them.

        Args:
            cluster: The cluster.
            model: The model that they load; it is sent to machines without it.
            demand: What each worker takes; there are as many as the cluster holds.

        Raises:
            ClusterError: None can begin.
            ModelError: One cannot keep the model.
        """
        self._ray = cluster.ray
        self._files, self._threads = ModelFiles.of(model.info), demand.runtime.threads
        self._contents: Any = None  # in the object store, once they are asked for
        kind = self._ray.remote(_Actor)
        self._kind = kind.options(scheduling_strategy="SPREAD", **demand.options)
        count = demand.slots(cluster.nodes)
        self._workers: list[_RayWorker | None] = [None] * count
        self._coming: list[_RayWorker | None] = [self._new() for _ in range(count)]
        self.places: list[Place] = []
        self._wait(count)

    def workers(self) -> list[WorkerHandle]:
        """Return a worker for each place, as `BandCrew`."""
        self._take_in(0)
        if not any(self._workers):
            self._wait(1)
        there = [worker for worker in self._workers if worker is not None]
        spare = (there[n % len(there)] for n in range(len(self._workers)))
        return [worker or next(spare) for worker in self._workers]

    def share(self, value: Any) -> Any:
        """Put a value where each machine fetches it once."""
        return self._ray.put(value)

    def lost(self, worker: WorkerHandle) -> None:
        """Begin to replace a worker."""
        for number, each in enumerate(self._workers):
            if each is worker:
                self._end(each)
                self._workers[number] = None
                self._coming[number] = self._new()

    def end(self) -> None:
        """End all workers."""
        for worker in (*self._workers, *self._coming):
            if worker is not None:
                self._end(worker)

    def _new(self) -> _RayWorker:
        return _RayWorker(self._ray, self._kind.remote(self._files, self._threads))

    def _end(self, worker: _RayWorker) -> None:
        with suppress(Exception):  # it is gone
            self._ray.kill(worker.actor)

    def _wait(self, count: int) -> None:
        """Wait until so many workers are there.

        Raises:
            ClusterError: There is none in the end.
        """
        end = monotonic() + _PATIENCE
        while sum(map(bool, self._workers)) < count and monotonic() < end:
            self._take_in(1.0)
        if not any(self._workers):
            raise ClusterError(
                f"no worker was ready after {_PATIENCE:.0f} seconds: is the cluster "
                "busy with other work?"
            )

    def _take_in(self, seconds: float) -> None:
        """Take in the workers that have become ready within some time.

        Raises:
            LightstyleError: One says why it cannot.
        """
        refs = [worker.ready for worker in self._coming if worker is not None]
        if not refs:
            return
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        if seconds:
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        for number, worker in enumerate(self._coming):
            if worker is not None and worker.ready in ready:
                try:
                    place = worker.result(worker.ready)
                except WorkerLostError:
                    self._coming[number] = self._new()
                    continue
                if place is None:
                    self._contents = self._contents or self.share(self._files.read())
                    worker.ready = worker.actor.prepare.remote(self._contents)
                    continue
                self.places.append(place)
                self._workers[number], self._coming[number] = worker, None
