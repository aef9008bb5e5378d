import json

import pytest

from lightstyle import contract
from lightstyle.engine import plan
from lightstyle.engine.costs import Costs
from lightstyle.engine.plan import choose
from lightstyle.errors import ModelError, UsageError
from lightstyle.optimize.lbfgs import HISTORY

COSTS = Costs(
    whole=2000,
    kept=200,
    targets=40,
    forward={1: 800, 2: 4000, 3: 9000, 4: 20000, 5: 16000},
    backward={1: 1400, 2: 5000, 3: 12000, 4: 26000, 5: 20000},
    work={1: 38e3, 2: 55e3, 3: 129e3, 4: 129e3, 5: 18e3},
    guided=2100,
    region=260,
    forward_region={1: 260, 2: 516, 3: 1028, 4: 2052, 5: 2052},
    backward_region={1: 260, 2: 516, 3: 1028, 4: 2052, 5: 2052},
)
GB = 10**9
HELD = 300 * 10**6
SIZES_GB = (8, 5, 3.3, 2.9)


def test_a_small_picture_is_computed_whole() -> None:
    found = choose(COSTS, 4 * GB, HELD, 512, 512)
    assert found.plan is None
    assert found.history == HISTORY
    assert found.overhead == 1


def test_less_memory_never_means_a_faster_layout() -> None:
    budgets = [int(size * GB) for size in (16, 9, 7, 6, 5, 4, 3, 2.6)]
    found = [choose(COSTS, budget, HELD, 2048, 2048) for budget in budgets]
    costs = [each.overhead * plan.HISTORIES[each.history] for each in found]
    assert costs == sorted(costs)
    assert found[0].plan is None
    assert found[-1].plan is not None
    assert found[-1].history.pairs < found[0].history.pairs
    for each, budget in zip(found, budgets, strict=True):
        assert each.memory <= budget


def test_scipy_takes_more_and_targets_less() -> None:
    own, scipy, targets = (
        choose(COSTS, 20 * GB, HELD, 1024, 1024, name).memory
        for name in ("lbfgs", "lbfgsb", None)
    )
    assert targets < own < scipy


def test_what_is_free_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "available", lambda: 0)
    assert choose(COSTS, None, HELD, 1024, 1024).plan is not None


def test_what_cannot_be_met_is_refused_with_what_could_be() -> None:
    with pytest.raises(UsageError, match="but 1024x1024 takes") as caught:
        choose(COSTS, 400 * 10**6, HELD, 1024, 1024)
    needed = float(str(caught.value).split("takes ")[1].split(" GB")[0])
    assert choose(COSTS, int(needed * 1.01 * GB), HELD, 1024, 1024).plan is not None


def test_a_model_without_parts_is_computed_whole_or_not_within_a_budget() -> None:
    assert choose(None, None, HELD, 4096, 4096).plan is None
    with pytest.raises(UsageError, match="memory can be limited on the CPU only"):
        choose(None, 8 * GB, HELD, 512, 512)


def test_regions_take_more_of_everything_and_none_takes_nothing() -> None:
    found = [
        choose(COSTS.of_regions(count), 20 * GB, HELD, 1024, 1024).memory
        for count in range(4)
    ]
    assert found == sorted(set(found))
    assert COSTS.of_regions(0) == COSTS
    assert COSTS.of_regions(3).backward[1] == 1400 + 2 * 260


def test_costs_come_from_metadata() -> None:
    values = {
        "whole": 5.0,
        "kept": 6.0,
        "targets": 7.0,
        "guided": 8.0,
        "forward": [1, 2],
        "backward": [3, 4],
        "work": [5, 6],
        "region": {"guided": 9.0, "forward": [10, 11], "backward": [12, 13]},
    }
    text = json.dumps(values)
    assert Costs.parse({contract.META_COSTS: text}) == Costs(
        *(5.0, 6.0, 7.0, {1: 1.0, 2: 2.0}, {1: 3.0, 2: 4.0}, {1: 5.0, 2: 6.0}),
        *(8.0, 9.0, {1: 10.0, 2: 11.0}, {1: 12.0, 2: 13.0}),
    )
    assert Costs.parse({}) is None
    with pytest.raises(ModelError, match="damaged"):
        Costs.parse({contract.META_COSTS: text[:20]})


@pytest.mark.parametrize("budget", [20 * GB, 3 * GB])
def test_a_layout_that_is_repeated_says_what_it_takes(budget: int) -> None:
    size = 2048, 1536
    chosen = choose(COSTS, budget, HELD, *size)
    bare = plan.ExecutionPlan(chosen.plan, chosen.history, 0, 1.0)
    assert plan.repeated(bare, COSTS, HELD, *size, "lbfgs") == chosen
    assert plan.repeated(bare, None, HELD, *size, "lbfgs") == bare
