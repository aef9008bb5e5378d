import pytest

from lightstyle.engine import plan as planning
from lightstyle.engine.plan import ExecutionPlan, choose, repeatable
from lightstyle.engine.tiled import Tiling
from lightstyle.optimize.curvature import History
from lightstyle.optimize.lbfgs import HISTORY
from tests.lightstyle.engine.test_plan import COSTS, GB, HELD

SIDE = 2048
CUT = choose(COSTS, 4 * GB, HELD, SIDE, SIDE)
WHOLE = choose(COSTS, 40 * GB, HELD, SIDE, SIDE)


def _repeatable(wanted: ExecutionPlan, budget: int | None, side: int = SIDE) -> bool:
    return repeatable(wanted, COSTS, budget, HELD, side, side, "lbfgs")


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
