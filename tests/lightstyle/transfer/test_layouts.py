import json
from typing import Any

import pytest

from lightstyle.engine import plan as planning
from lightstyle.engine.plan import ExecutionPlan, choose, repeatable
from lightstyle.engine.tiled import Tiling
from lightstyle.optimize.curvature import History
from lightstyle.optimize.lbfgs import HISTORY
from lightstyle.transfer import layouts
from tests.lightstyle.engine.test_plan import COSTS, GB, HELD

SIDE = 2048
CUT = choose(COSTS, 4 * GB, HELD, SIDE, SIDE)
WHOLE = choose(COSTS, 40 * GB, HELD, SIDE, SIDE)


def _repeatable(wanted: ExecutionPlan, budget: int | None, side: int = SIDE) -> bool:
    return repeatable(wanted, COSTS, budget, HELD, side, side, "lbfgs")


def test_a_description_says_all_that_decides_a_computation() -> None:
    assert WHOLE.plan is None
    assert CUT.plan is not None
    described = layouts.as_dict({"a": WHOLE, "b": CUT})
    again = layouts.parse(json.loads(json.dumps(described)))
    assert again["a"].plan is None
    assert again["b"].plan == CUT.plan
    assert [again[key].history for key in "ab"] == [WHOLE.history, CUT.history]


def _described(**changes: Any) -> dict[str, Any]:
    strips = layouts.as_dict({"a": CUT})["a"]["strips"]
    return {"a": {"history": 20, "strips": {**strips, **changes}}}


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {"a": None},
        {"a": {}},
        {"a": {"history": "many", "strips": None}},
        {"a": {"history": 20, "strips": 5}},
        {"a": {"history": float("inf"), "strips": None}},
        _described(forward=None),
        _described(forward=["64"] * 5),
        _described(forward=[64.5] * 5),
        _described(forward=[65] * 5),
        _described(forward=[2] * 5),
        _described(forward=[64] * 6),
        _described(backward=[8] * 5),
        _described(backward=[1 << 40] * 5),
    ],
)
def test_what_is_no_description_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        layouts.parse(values)


def test_what_was_chosen_can_be_repeated_and_what_takes_less() -> None:
    assert _repeatable(CUT, 4 * GB)
    assert _repeatable(CUT, 40 * GB)
    assert _repeatable(WHOLE, 40 * GB)
    assert _repeatable(ExecutionPlan(None, [*planning.HISTORIES][-1], 0, 1.0), 40 * GB)


def test_what_would_take_more_memory_than_there_is_cannot_be_repeated() -> None:
    assert not _repeatable(WHOLE, 4 * GB)
    assert not _repeatable(CUT, int(3.6 * GB))
    assert not _repeatable(CUT, GB)
    assert CUT.plan is not None
    taller = {number: lines + 64 for number, lines in CUT.plan.backward.items()}
    plan = Tiling(CUT.plan.forward, taller)
    assert not _repeatable(ExecutionPlan(plan, CUT.history, 0, 1.0), 4 * GB)


def test_what_the_model_or_the_optimiser_cannot_do_is_not_repeated() -> None:
    assert CUT.plan is not None
    fewer = Tiling(*({1: 64, 2: 64} for _ in range(2)))
    assert not _repeatable(ExecutionPlan(fewer, HISTORY, 0, 1.0), 40 * GB)
    assert not _repeatable(ExecutionPlan(None, History(10**9), 0, 1.0), 40 * GB)
    assert not repeatable(CUT, None, None, HELD, SIDE, SIDE, "lbfgs")
    assert repeatable(WHOLE, None, None, HELD, SIDE, SIDE, "lbfgs")


def test_a_little_less_free_memory_does_not_change_a_layout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "resident", lambda: HELD)
    free = 40 * GB
    monkeypatch.setattr(planning, "available", lambda: free)
    before = choose(COSTS, None, HELD, 4096, 4096)
    free = int(0.9 * free)
    assert choose(COSTS, None, HELD, 4096, 4096) != before
    assert _repeatable(before, None, 4096)
    free //= 4
    assert not _repeatable(before, None, 4096)
