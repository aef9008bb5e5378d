"""Repeats the plans of another run, on the same cluster, another one, or none.

The sums of bands are added in the order of the bands, so whoever computes the same
bands in the same strips gets the same bits, however many workers there are.
"""

from dataclasses import replace

from ..arrays import Size
from .banding import band_plans
from .plan import HISTORIES, ExecutionPlan, Planner
from .strips import Tiling
from .workload import Workload


def repeated(
    planner: Planner, wanted: ExecutionPlan, size: Size, method: str | None = None
) -> ExecutionPlan | None:
    """Return the plan of another run with its memory and time here.

    Args:
        planner: Knows the memory, and the workers if there are any.
        wanted: The other run's plan.
        size: Width and height of the picture.
        method: Name of the optimisation method; None if only targets are computed.

    Returns:
        The plan, or None if the model, the memory or the lack of workers does not
        allow it.
    """
    if wanted.bands:
        return _in_bands(planner, wanted, size, method)
    return planner.repeat(wanted, size, method)


def _in_bands(
    planner: Planner, wanted: ExecutionPlan, size: Size, method: str | None
) -> ExecutionPlan | None:
    """Repeat a plan with bands, of which a worker may have several."""
    workers, costs, tiling = planner.workers, planner.costs, wanted.tiling
    if workers is None or costs is None or wanted.history not in HISTORIES:
        return None
    assert tiling is not None
    each = -(-wanted.bands // workers.count)
    most = workers.held + (workers.memory - workers.held) // each
    shared = replace(workers, count=wanted.bands, memory=most)
    fitting = [
        plan
        for plan in band_plans(shared, costs, size)
        if plan.memory <= most and _covers(plan.tiling, tiling)
    ]
    memory = Workload(costs, planner.held, size, method).driver_memory(wanted.history)
    if not fitting or memory > planner.limit:
        return None
    band = fitting[-1]
    return ExecutionPlan(
        tiling,
        wanted.history,
        memory,
        each * band.overhead,
        workers.held + each * (band.memory - workers.held),
        band.moved,
    )


def _covers(tiling: Tiling, wanted: Tiling) -> bool:
    """Return whether a tiling has the same bands, and strips that are no smaller."""
    blocks = (tiling.forward.keys(), tiling.backward.keys())
    return (
        tiling.bands == wanted.bands
        and blocks == (wanted.forward.keys(), wanted.backward.keys())
        and wanted.within(tiling)
    )
