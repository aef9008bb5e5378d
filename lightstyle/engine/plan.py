"""Plans how a picture is computed within a budget of memory.

The whole picture at once is fastest. Where that does not fit, the picture is cut into
strips that do, which takes half to nine tenths as much time again, or the method's
history is shortened. Neither changes the loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..arrays import Size
from ..errors import UsageError
from ..optimize.curvature import HISTORY, History
from ..text import counted
from . import memory
from .banding import Workers, band_plans
from .costs import Costs
from .strips import Tiling
from .workload import Workload

#: Histories that a plan may choose from, and what each is taken to cost relative to the
#: time of an evaluation: with a shorter one, more evaluations are needed.
HISTORIES: Final = {
    HISTORY: 1.0,
    History(HISTORY.pairs, "f2"): 1.02,
    History(HISTORY.pairs // 2, "f2"): 1.06,
    History(HISTORY.pairs // 4, "f2"): 1.12,
}

#: Share of the free memory that a run may take by default.
SHARE: Final = 0.8


@dataclass(frozen=True)
class ExecutionPlan:
    """How a picture is computed.

    Attributes:
        tiling: How the picture is cut into strips; None if it is computed whole.
        history: What the optimisation method remembers.
        memory: Bytes that the process is expected to need; 0 if the model does not
            tell.
        overhead: Time of an evaluation relative to that of the whole picture.
        worker_memory: Bytes that each worker is expected to need, if there are bands.
        moved: Bytes that are sent and received at an evaluation.
    """

    tiling: Tiling | None
    history: History
    memory: int = 0
    overhead: float = 1.0
    worker_memory: int = 0
    moved: int = 0

    @property
    def bands(self) -> int:
        """Number of bands, each on another worker; 0 without a cluster."""
        return self.tiling.bands if self.tiling else 0

    @property
    def how(self) -> str:
        """The way of computing, described to the user."""
        if self.tiling is None:
            return "whole"
        bands = f"{counted(self.bands, 'band')}, " if self.bands else ""
        return f"in {bands}strips of {self.tiling.lines} lines"


@dataclass(frozen=True)
class Planner:
    """Plans the pictures of a run.

    Attributes:
        costs: Costs of the model's graphs; None if it can only compute whole pictures.
        budget: Bytes for the whole process; None for most of what is free.
        held: Bytes that the process holds with the model and the pictures loaded and
            nothing run.
        workers: Other machines, which may compute the bands of a picture.
    """

    costs: Costs | None
    budget: int | None
    held: int
    workers: Workers | None = None

    def choose(
        self, size: Size, method: str | None = None, name: str | None = None
    ) -> ExecutionPlan:
        """Return the fastest plan within the budget.

        Args:
            size: Width and height of what is computed.
            method: Name of the optimisation method; None if only targets are computed.
            name: What it is, for the message; its size by default.

        Raises:
            UsageError: If the budget, or all the memory there is, is not enough, saying
                what would be; or if there is a budget and the model cannot keep it.
        """
        if self.costs is None:
            if self.budget is not None:
                raise UsageError(
                    "memory can be limited on the CPU only, with a model that can be "
                    "cut into strips: leave the limit out, or make the model again "
                    "with `lightstyle export`"
                )
            return ExecutionPlan(None, HISTORY)
        limit = memory.reachable(SHARE) if self.budget is None else self.budget
        workload = Workload(self.costs, self.held, size, method)
        plans = [*_plans(workload, limit)]
        if self.workers is not None:
            plans += _band_plans(workload, self.workers)
        room = [plan for plan in plans if plan.memory <= limit]
        fitting = [plan for plan in room if self._fits_workers(plan)]
        if fitting:
            return min(
                fitting, key=lambda plan: plan.overhead * HISTORIES[plan.history]
            )
        smallest = min(plans, key=lambda plan: plan.memory)
        if self.budget is None:  # free memory is an estimate, a budget is a promise
            limit = memory.total()
            if smallest.memory <= limit:
                return smallest
        name = name or "{}x{}".format(*size)
        if room and self.workers is not None:
            needed = min(plan.worker_memory for plan in room)
            raise UsageError(
                f"memory is {self.workers.memory / 1e9:.2f} GB in each of "
                f"{counted(self.workers.count, 'worker')}, but {name} needs at least "
                f"{needed / 1e9:.2f} GB: have more workers, or choose a smaller size"
            )
        advice = "choose a smaller size"
        if self.budget is not None:
            advice = f"allow as much, or {advice}"
        raise UsageError(
            f"memory is {limit / 1e9:.2f} GB, but {name} needs at least "
            f"{smallest.memory / 1e9:.2f} GB: {advice}"
        )

    def repeat(
        self, wanted: ExecutionPlan, size: Size, method: str | None = None
    ) -> ExecutionPlan | None:
        """Return the plan of another run with its memory and time in this process.

        Args:
            wanted: The other run's plan.
            size: Width and height of the picture.
            method: Name of the optimisation method; None if only targets are computed.

        Returns:
            The plan, or None if the model or the memory does not allow it.
        """
        if wanted.history not in HISTORIES:
            return None
        tiling = wanted.tiling
        if self.costs is None:
            return wanted if tiling is None else None
        if tiling is not None and not (
            tiling.forward.keys() == tiling.backward.keys() == self.costs.work.keys()
        ):
            return None
        workload = Workload(self.costs, self.held, size, method)
        plan = _plan(workload, wanted.history, tiling)
        return plan if plan.memory <= self.limit else None

    @property
    def limit(self) -> int:
        """Bytes that a plan may have where nothing else will do."""
        # `choose` leaves a share of the free memory untouched; a repeated run does not.
        return memory.reachable() if self.budget is None else self.budget

    def _fits_workers(self, plan: ExecutionPlan) -> bool:
        workers = self.workers
        return workers is None or plan.worker_memory <= workers.memory


def _plans(workload: Workload, limit: int) -> Iterator[ExecutionPlan]:
    """Yield a whole and a tiled plan for every history."""
    for history in HISTORIES:
        yield _plan(workload, history, None)
        yield _plan(workload, history, workload.largest_tiling(history, limit))


def _band_plans(workload: Workload, workers: Workers) -> Iterator[ExecutionPlan]:
    """Yield a plan for every history and number of bands."""
    found = [*band_plans(workers, workload.costs, workload.size)]
    for history in HISTORIES:
        driver = workload.driver_memory(history)
        for bands in found:
            yield ExecutionPlan(
                bands.tiling,
                history,
                driver,
                bands.overhead,
                bands.memory,
                bands.moved,
            )


def _plan(workload: Workload, history: History, tiling: Tiling | None) -> ExecutionPlan:
    """Return the plan with its memory and time."""
    if tiling is None:
        return ExecutionPlan(None, history, workload.whole_memory(history))
    needed = workload.tiled_memory(history, tiling)
    return ExecutionPlan(tiling, history, needed, workload.overhead(tiling))
