"""Plans of another run, in bands, on other numbers of workers."""

from dataclasses import replace

import pytest

from lightstyle.engine.banding import Workers
from lightstyle.engine.bands import Reach
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.repeating import repeated
from lightstyle.engine.strips import Tiling
from lightstyle.optimize.curvature import History
from lightstyle.settings.choices import Optimizer
from tests.lightstyle.engine.test_plan import COSTS, GB, HELD

SIZE, METHOD = (2048, 4096), Optimizer.LBFGS
#: Of the driver: too little for the whole picture, whatever machine the tests run on.
BUDGET = 12 * GB


def _planner(count: int, memory: float = 16 * GB, budget: int = BUDGET) -> Planner:
    reach = Reach.of(["conv1_1", "conv5_2"])
    workers = Workers(count, int(memory), HELD, reach, sums=1000, bandwidth=1e9)
    return Planner(COSTS, budget, HELD, workers)


def _chosen(planner: Planner, size: tuple[int, int] = SIZE) -> ExecutionPlan:
    plan = planner.choose(size, METHOD)
    assert plan.tiling is not None
    return plan


MADE = _chosen(_planner(6))


def test_the_same_workers_have_the_same_plan() -> None:
    assert MADE.bands == 6
    assert repeated(_planner(6), MADE, SIZE, METHOD) == MADE


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_fewer_workers_have_several_bands_each(count: int) -> None:
    found = repeated(_planner(count, 100 * GB), MADE, SIZE, METHOD)
    assert found is not None
    assert (found.tiling, found.history) == (MADE.tiling, MADE.history)
    each = -(-6 // count)
    assert found.overhead == pytest.approx(each * MADE.overhead, rel=0.1)
    assert found.worker_memory >= HELD + each * (MADE.worker_memory - HELD)


def test_more_workers_than_bands_change_nothing() -> None:
    found = repeated(_planner(9), MADE, SIZE, METHOD)
    assert found == MADE


def test_workers_that_cannot_hold_their_bands_do_not_repeat_a_plan() -> None:
    needed = MADE.worker_memory - HELD
    assert repeated(_planner(2, HELD + 2.9 * needed), MADE, SIZE, METHOD) is None
    assert repeated(_planner(6, HELD + 0.9 * needed), MADE, SIZE, METHOD) is None


def test_smaller_strips_than_must_be_are_repeated() -> None:
    small = _chosen(_planner(6, 1.2 * GB))
    assert small.tiling != MADE.tiling
    found = repeated(_planner(6), small, SIZE, METHOD)
    assert found is not None
    assert found.tiling == small.tiling


def test_a_driver_without_room_for_the_history_does_not_repeat_a_plan() -> None:
    assert repeated(_planner(6, budget=MADE.memory), MADE, SIZE, METHOD) is not None
    assert repeated(_planner(6, budget=MADE.memory - 1), MADE, SIZE, METHOD) is None


def test_bands_are_not_repeated_without_workers() -> None:
    assert repeated(Planner(COSTS, None, HELD), MADE, SIZE, METHOD) is None


@pytest.mark.parametrize(
    "wanted",
    [
        replace(MADE, history=History(3, "f4")),
        replace(MADE, tiling=replace(MADE.tiling, bands=10**9)),  # type: ignore[type-var]
        replace(MADE, tiling=Tiling({1: 64}, {1: 64}, bands=6)),
    ],
    ids=["history", "bands", "blocks"],
)
def test_a_plan_that_cannot_be_is_not_repeated(wanted: ExecutionPlan) -> None:
    assert repeated(_planner(6), wanted, SIZE, METHOD) is None


def test_what_this_process_computed_on_a_cluster_it_computes_again() -> None:
    alone = Planner(COSTS, 40 * GB, HELD).choose((256, 256), METHOD)
    assert alone.tiling is None
    planner = _planner(6, budget=40 * GB)
    found = repeated(planner, alone, (256, 256), METHOD)
    assert found == alone
