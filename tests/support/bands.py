"""A crew of workers in this process, some of which may be lost."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from lightstyle import Model
from lightstyle.arrays import Size
from lightstyle.cluster.band_crew import WorkerHandle, WorkerLostError
from lightstyle.cluster.band_worker import BandWorker
from lightstyle.cluster.bands import BandedModel
from lightstyle.engine.banding import BandPlan, Workers, band_plans
from lightstyle.engine.bands import Reach
from lightstyle.engine.costs import Costs
from lightstyle.engine.tiled import TiledModel


class InlineCrew:
    """Workers that compute as soon as they are asked.

    Attributes:
        places: The workers.
        made: How many there were so far.
        calls: How many calls there were.
    """

    def __init__(
        self, tiled: TiledModel, count: int, losses: Collection[int] = ()
    ) -> None:
        """Make a crew of which a worker is lost at each of the calls `losses`."""
        self._tiled, self._losses = tiled, losses
        self.calls = self.made = 0
        self.places = [self._new() for _ in range(count)]

    def workers(self) -> list[WorkerHandle]:
        return [*self.places]

    def share(self, value: Any) -> Any:
        return value

    def lost(self, worker: WorkerHandle) -> None:
        self.places = [self._new() if w is worker else w for w in self.places]

    def called(self, worker: WorkerHandle) -> None:
        self.calls += 1
        if self.calls in self._losses:
            raise WorkerLostError(worker)

    def kept(self) -> list[int]:
        """Return how many arrays each worker keeps."""
        return [len(worker.own._kept) for worker in self.places]

    def _new(self) -> "InlineWorker":
        self.made += 1
        return InlineWorker(self, BandWorker(self._tiled))


class InlineWorker:
    """Computes at once; whether it is lost shows when the result is wanted."""

    def __init__(self, crew: InlineCrew, own: BandWorker) -> None:
        self._crew, self.own = crew, own

    def start(self, method: str, *arguments: Any) -> Any:
        return getattr(self.own, method)(*arguments)

    def result(self, call: Any) -> Any:
        self._crew.called(self)
        return call


def layers_of(model: Model) -> set[str]:
    return {*model.info.content_layers, *model.info.style_layers}


def fastest(workers: Workers, costs: Costs, size: Size, count: int) -> BandPlan:
    """The plan with so many bands that a planner would choose."""
    found = band_plans(workers, costs, size)
    fitting = [plan for plan in found if plan.memory <= workers.memory]
    same = [plan for plan in fitting if plan.tiling.bands == count]
    return min(same, key=lambda plan: plan.overhead)


@contextmanager
def spread(model: Model, count: int) -> Iterator[BandedModel]:
    """Give a model workers in this process for a while, as `cluster.picture` does."""
    crew, layers = InlineCrew(model.tiled, count), layers_of(model)
    model.elsewhere = banded = BandedModel(model.tiled.heads, layers, crew)
    model.workers = Workers(count, 10**10, 10**8, Reach.of(layers), 1000, 1e9)
    try:
        yield banded
    finally:
        model.elsewhere = model.workers = None
