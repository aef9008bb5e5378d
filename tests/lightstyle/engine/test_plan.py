import json

import pytest

from lightstyle import contract
from lightstyle.arrays import Size
from lightstyle.engine import memory, plan
from lightstyle.engine.banding import Workers, band_plans
from lightstyle.engine.bands import Reach
from lightstyle.engine.costs import Costs
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ModelError, UsageError
from lightstyle.optimize.curvature import HISTORY, History
from lightstyle.settings.choices import Optimizer
from tests.support.hostile import spoiled

COSTS = Costs(
    whole=2000,
    between=200,
    targets=40,
    activations=1100,
    sweeps={
        contract.FORWARD: {1: 800, 2: 4000, 3: 9000, 4: 20000, 5: 16000},
        contract.BACKWARD: {1: 1400, 2: 5000, 3: 12000, 4: 26000, 5: 20000},
        contract.KEEPING: {1: 1100, 2: 4200, 3: 10000, 4: 21000, 5: 17000},
        contract.KEPT: {1: 1500, 2: 5200, 3: 12500, 4: 27000, 5: 20000},
    },
    work={1: 38e3, 2: 55e3, 3: 129e3, 4: 129e3, 5: 18e3},
    guided=2100,
    region=260,
    sweeps_region={
        sweep: {1: 260, 2: 516, 3: 1028, 4: 2052, 5: 2052} for sweep in contract.SWEEPS
    },
)
GB = 10**9
HELD = 300 * 10**6
SIZES_GB = (8, 5, 3.3, 2.9)


def choose(
    budget: float | None,
    size: Size,
    method: str | None = Optimizer.LBFGS,
    costs: Costs | None = COSTS,
) -> ExecutionPlan:
    """With what a process holds that has a model loaded."""
    whole = None if budget is None else int(budget)
    return Planner(costs, whole, HELD).choose(size, method)


def test_a_small_picture_is_computed_whole() -> None:
    found = choose(4 * GB, (512, 512))
    assert found.tiling is None
    assert found.history == HISTORY
    assert found.overhead == 1


def test_less_memory_never_means_a_faster_plan() -> None:
    budgets = [int(size * GB) for size in (16, 9, 7, 6, 5, 4, 3, 2.6)]
    found = [choose(budget, (2048, 2048)) for budget in budgets]
    costs = [each.overhead * plan.HISTORIES[each.history] for each in found]
    assert costs == sorted(costs)
    assert found[0].tiling is None
    assert found[-1].tiling is not None
    assert found[-1].history.pairs < found[0].history.pairs
    for each, budget in zip(found, budgets, strict=True):
        assert each.memory <= budget


def test_scipy_takes_more_and_targets_less() -> None:
    own, scipy, targets = (
        choose(20 * GB, (1024, 1024), name).memory
        for name in (Optimizer.LBFGS, Optimizer.LBFGSB, None)
    )
    assert targets < own < scipy


def test_what_is_free_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 0)
    monkeypatch.setattr(memory, "resident", lambda: HELD)
    monkeypatch.setattr(memory, "total", lambda: 16 * GB)
    assert choose(None, (1024, 1024)).tiling is not None


def test_what_cannot_be_met_is_refused_with_what_could_be() -> None:
    with pytest.raises(UsageError, match="but 1024x1024 needs") as caught:
        choose(400 * 10**6, (1024, 1024))
    needed = float(str(caught.value).split("at least ")[1].split(" GB")[0])
    assert choose(needed * 1.01 * GB, (1024, 1024)).tiling is not None


def test_a_model_without_parts_is_computed_whole_or_not_within_a_budget() -> None:
    assert choose(None, (4096, 4096), costs=None).tiling is None
    with pytest.raises(UsageError, match="memory can be limited on the CPU only"):
        choose(8 * GB, (512, 512), costs=None)


def test_regions_take_more_of_everything_and_none_takes_nothing() -> None:
    found = [
        choose(20 * GB, (1024, 1024), costs=COSTS.of_regions(count)).memory
        for count in range(4)
    ]
    assert found == sorted(set(found))
    assert COSTS.of_regions(0) == COSTS
    assert COSTS.of_regions(3).sweeps[contract.BACKWARD][1] == 1400 + 2 * 260


def test_workers_keep_activations_where_memory_allows() -> None:
    for most, keeps in ((8 * GB, True), (2 * GB, False)):
        workers = Workers(2, most, HELD, Reach.of(["conv5_1"]), 1000, 1e9)
        found = band_plans(workers, COSTS, (2048, 2048))
        fitting = [each for each in found if each.memory <= most]
        fastest = min(fitting, key=lambda each: each.overhead)
        assert fastest.tiling.keeps == keeps
        assert (fastest.overhead < 0.7) == keeps


def _of_sweeps(*costs: list[float]) -> dict[str, dict[int, float]]:
    return {
        sweep: dict(enumerate(each, 1))
        for sweep, each in zip(contract.SWEEPS, costs, strict=True)
    }


def test_costs_come_from_metadata() -> None:
    values = {
        "whole": 5.0,
        "between": 6.0,
        "targets": 7.0,
        "activations": 7.5,
        "guided": 8.0,
        "forward": [1, 2],
        "backward": [3, 4],
        "keeping": [18, 19],
        "kept": [14, 15],
        "work": [5, 6],
        "region": {
            "guided": 9.0,
            "forward": [10, 11],
            "backward": [12, 13],
            "keeping": [20, 21],
            "kept": [16, 17],
        },
    }
    text = json.dumps(values)
    assert Costs.parse({contract.META_COSTS: text}, 2) == Costs(
        whole=5.0,
        between=6.0,
        targets=7.0,
        activations=7.5,
        sweeps=_of_sweeps([1, 2], [3, 4], [18, 19], [14, 15]),
        work={1: 5.0, 2: 6.0},
        guided=8.0,
        region=9.0,
        sweeps_region=_of_sweeps([10, 11], [12, 13], [20, 21], [16, 17]),
    )
    assert Costs.parse({}, 2) is None
    with pytest.raises(ModelError, match="damaged"):
        Costs.parse({contract.META_COSTS: text[:20]}, 2)
    with pytest.raises(ModelError, match="damaged: it is not of 3 blocks"):
        Costs.parse({contract.META_COSTS: text}, 3)
    refused = 0
    for _, hostile in spoiled(values):
        try:
            Costs.parse({contract.META_COSTS: json.dumps(hostile)}, 2)
        except ModelError:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("budget", [20 * GB, 3 * GB])
def test_a_plan_that_is_repeated_says_what_it_takes(budget: int) -> None:
    size = 2048, 1536
    chosen = choose(budget, size)
    bare = ExecutionPlan(chosen.tiling, chosen.history)
    assert Planner(COSTS, budget, HELD).repeat(bare, size, Optimizer.LBFGS) == chosen
    kept = Planner(None, None, HELD).repeat(bare, size, Optimizer.LBFGS)
    assert kept == (bare if bare.tiling is None else None)


CUT = choose(4 * GB, (2048, 2048))
WHOLE = choose(40 * GB, (2048, 2048))


def _repeatable(
    wanted: ExecutionPlan,
    budget: int | None,
    side: int = 2048,
    costs: Costs | None = COSTS,
) -> bool:
    planner = Planner(costs, budget, HELD)
    return planner.repeat(wanted, (side, side), Optimizer.LBFGS) is not None


def test_what_was_chosen_can_be_repeated_and_what_takes_less() -> None:
    assert _repeatable(CUT, 4 * GB)
    assert _repeatable(CUT, 40 * GB)
    assert _repeatable(WHOLE, 40 * GB)
    assert _repeatable(ExecutionPlan(None, [*plan.HISTORIES][-1]), 40 * GB)


def test_what_would_take_more_memory_than_there_is_cannot_be_repeated() -> None:
    assert not _repeatable(WHOLE, 4 * GB)
    assert not _repeatable(CUT, int(3.6 * GB))
    assert not _repeatable(CUT, GB)
    assert CUT.tiling is not None
    taller = {number: lines + 64 for number, lines in CUT.tiling.backward.items()}
    tiling = Tiling(CUT.tiling.forward, taller)
    assert not _repeatable(ExecutionPlan(tiling, CUT.history), 4 * GB)


def test_what_the_model_or_the_optimiser_cannot_do_is_not_repeated() -> None:
    assert CUT.tiling is not None
    fewer = Tiling(*({1: 64, 2: 64} for _ in range(2)))
    assert not _repeatable(ExecutionPlan(fewer, HISTORY), 40 * GB)
    assert not _repeatable(ExecutionPlan(None, History(10**9)), 40 * GB)
    assert not _repeatable(CUT, None, costs=None)
    assert _repeatable(WHOLE, None, costs=None)


def test_a_little_less_free_memory_does_not_change_a_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "resident", lambda: HELD)
    free = 40 * GB
    monkeypatch.setattr(memory, "available", lambda: free)
    before = choose(None, (4096, 4096))
    free = int(0.9 * free)
    assert choose(None, (4096, 4096)) != before
    assert _repeatable(before, None, 4096)
    free //= 4
    assert not _repeatable(before, None, 4096)
