import math
import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import numpy as np
import pytest

from lightstyle.arrays import PIXEL_RANGE, Vector
from lightstyle.optimize.curvature import History
from lightstyle.optimize.method import Descent, Evaluate, Footprint, Method
from lightstyle.optimize.minimize import METHODS, MinimizerState, Outcome, Status
from lightstyle.optimize.minimize import minimize as iteration
from lightstyle.optimize.preconditioner import PyramidMap
from tests.support.minimizing import Callback, run

Minimize = Callable[[Evaluate, Vector, int, Callback], Outcome]


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> type[Method]:
    return METHODS[request.param]


@pytest.fixture
def minimize(method: type[Method]) -> Minimize:
    """With bounds that are far away."""

    def minimize(
        objective: Evaluate, start: Vector, evaluations: int, callback: Callback
    ) -> Outcome:
        return run(objective, method(start, (-1e4, 1e4)), evaluations, callback)

    return minimize


def _ignore(state: MinimizerState) -> None:
    pass


def _rosenbrock(x: Vector) -> tuple[float, Vector]:
    a, b = x[:-1], x[1:]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * a * (b - a**2) - 2 * (1 - a)
    gradient[1:] += 200 * (b - a**2)
    return float(np.sum(100 * (b - a**2) ** 2 + (1 - a) ** 2)), gradient


def _quadratic(x: Vector) -> tuple[float, Vector]:
    scales = np.linspace(1, 100, x.size)
    return float(np.sum(scales * (x - 3) ** 2)), 2 * scales * (x - 3)


@pytest.mark.parametrize(
    ("function", "minimum"), [(_quadratic, 3.0), (_rosenbrock, 1.0)]
)
def test_known_minima_are_found(
    function: Evaluate, minimum: float, minimize: Minimize
) -> None:
    outcome = minimize(function, np.zeros(20), 500, _ignore)
    np.testing.assert_allclose(outcome.point, minimum, atol=1e-4)


@pytest.mark.parametrize("budget", [1, 2, 7, 30])
def test_the_budget_of_evaluations_is_kept_exactly(
    budget: int, minimize: Minimize
) -> None:
    calls = []

    def counted(x: Vector) -> tuple[float, Vector]:
        calls.append(1)
        return _rosenbrock(x)

    outcome = minimize(counted, np.zeros(50), budget, _ignore)
    assert len(calls) == outcome.evaluations == budget
    assert outcome.status is Status.BUDGET_SPENT


def test_a_loss_in_float32_is_followed_to_its_resolution_and_then_converged(
    minimize: Minimize,
) -> None:
    def coarse(x: Vector) -> tuple[float, Vector]:
        loss, gradient = _quadratic(x)
        return float(np.float32(loss + 1e6)), gradient.astype(np.float32)

    outcome = minimize(coarse, np.full(20, 500.0), 1000, _ignore)
    assert outcome.status is Status.CONVERGED
    assert outcome.evaluations < 1000
    assert outcome.loss == pytest.approx(1e6, abs=2)


def test_a_spoilt_line_search_is_not_the_end(minimize: Minimize) -> None:
    # Some gradients in the middle point uphill: scipy gives up on its line search, and
    # the minimum is reached nevertheless.
    calls = []

    def spoilt(x: Vector) -> tuple[float, Vector]:
        calls.append(1)
        loss, gradient = _quadratic(x)
        return loss, -gradient if 10 <= len(calls) < 14 else gradient

    outcome = minimize(spoilt, np.full(20, 500.0), 2000, _ignore)
    assert outcome.loss < 1e-6
    assert outcome.status is Status.CONVERGED


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_value_that_is_not_finite_ends_the_run_with_the_best_point(
    bad: float, where: str, minimize: Minimize
) -> None:
    calls = []

    def breaks(x: Vector) -> tuple[float, Vector]:
        calls.append(1)
        loss, gradient = _rosenbrock(x)
        if len(calls) < 6:
            return loss, gradient
        return (bad, gradient) if where == "loss" else (loss, gradient * bad)

    outcome = minimize(breaks, np.zeros(10), 100, _ignore)
    assert outcome.status is Status.NON_FINITE
    assert outcome.evaluations == 6
    assert outcome.loss == _rosenbrock(outcome.point)[0] < _rosenbrock(np.zeros(10))[0]


def test_without_any_finite_loss_the_start_comes_back(minimize: Minimize) -> None:
    def never(x: Vector) -> tuple[float, Vector]:
        return math.nan, x

    outcome = minimize(never, np.ones(3), 10, _ignore)
    assert outcome.status is Status.NON_FINITE
    assert math.isnan(outcome.loss)
    np.testing.assert_array_equal(outcome.point, np.ones(3))


def test_the_callback_can_stop_the_run_and_that_evaluation_counts(
    minimize: Minimize,
) -> None:
    seen: list[Vector] = []

    def watch(state: MinimizerState) -> None:
        seen.append(state.point)
        if len(seen) == 8:
            raise StopIteration

    outcome = minimize(_rosenbrock, np.zeros(10), 100, watch)
    assert outcome.status is Status.CANCELLED
    assert outcome.evaluations == 8
    assert outcome.loss == min(_rosenbrock(point)[0] for point in seen)


def test_reported_points_are_the_best_so_far_and_stay_as_they_were(
    minimize: Minimize,
) -> None:
    seen: list[tuple[Vector, Vector]] = []

    def watch(state: MinimizerState) -> None:
        seen.append((state.point, state.point.copy()))

    outcome = minimize(_rosenbrock, np.zeros(10), 40, watch)
    losses = [_rosenbrock(kept)[0] for kept, _ in seen]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == outcome.loss
    for kept, copy in seen:
        np.testing.assert_array_equal(kept, copy)


def test_the_start_is_not_modified(minimize: Minimize) -> None:
    start = np.zeros(10)
    minimize(_rosenbrock, start, 20, _ignore)
    np.testing.assert_array_equal(start, np.zeros(10))


def test_the_first_step_is_one_unit_for_each_variable_whatever_the_loss(
    minimize: Minimize,
) -> None:
    def first_step(factor: float) -> float:
        points: list[Vector] = []

        def scaled(x: Vector) -> tuple[float, Vector]:
            points.append(x)
            loss, gradient = _quadratic(x)
            return factor * loss, factor * gradient

        minimize(scaled, np.full(100, 50.0), 2, _ignore)
        return float(np.sqrt(np.mean((points[1] - points[0]) ** 2)))

    assert first_step(1.0) == pytest.approx(1.0)
    assert first_step(1e9) == pytest.approx(1.0)


def test_every_point_that_is_evaluated_lies_within_the_bounds(
    method: type[Method],
) -> None:
    seen: list[Vector] = []

    def beyond(x: Vector) -> tuple[float, Vector]:
        seen.append(x.copy())
        return float(np.sum((x - 300) ** 2)), 2 * (x - 300)

    start = np.linspace(-50, 200, 30)
    outcome = run(beyond, method(start, PIXEL_RANGE), 50, _ignore)
    assert min(x.min() for x in seen) >= 0
    assert max(x.max() for x in seen) <= 255
    np.testing.assert_allclose(outcome.point, 255)
    assert outcome.status is Status.CONVERGED


def test_frozen_variables_never_move(method: type[Method]) -> None:
    frozen = np.arange(192) % 3 == 0
    start = np.linspace(10, 200, 192)
    seen: list[Vector] = []

    def objective(x: Vector) -> tuple[float, Vector]:
        seen.append(x)
        return _quadratic(x)

    pyramid = PyramidMap((3, 8, 8))
    made = method(start, PIXEL_RANGE, preconditioner=pyramid, frozen=frozen)
    outcome = run(objective, made, 60, _ignore)
    expected = start.astype(outcome.point.dtype)[frozen]
    for x in seen:
        np.testing.assert_array_equal(x[frozen], expected)
    np.testing.assert_allclose(outcome.point[~frozen], 3, atol=0.5)


def test_a_start_without_slope_has_converged(minimize: Minimize) -> None:
    outcome = minimize(lambda x: (1.0, np.zeros_like(x)), np.ones(5), 100, _ignore)
    assert outcome.status is Status.CONVERGED
    assert outcome.evaluations <= 3


def test_all_methods_reach_the_same_minimum_at_bounds() -> None:
    # Neighbours pull at each other, and two thirds of the minimum lie at a bound.
    goal = np.tile([-80.0, 100.0, 400.0], 30)

    def objective(x: Vector) -> tuple[float, Vector]:
        x = x.astype(np.float64)
        steps = np.diff(x)
        gradient = 2 * (x - goal)
        gradient[1:] += 6 * steps
        gradient[:-1] -= 6 * steps
        return float(np.sum((x - goal) ** 2) + 3 * np.sum(steps**2)), gradient

    found = [
        run(objective, each(np.full(90, 128.0), PIXEL_RANGE), 300, _ignore)
        for each in METHODS.values()
    ]
    assert found[0].loss == pytest.approx(found[1].loss, rel=1e-6)
    np.testing.assert_allclose(found[0].point, found[1].point, atol=0.05)


class _Boxed:
    """A vector that only its method and its objective can look into."""

    def __init__(self, values: Vector) -> None:
        self.values = values


class _Descent(Method):
    """Gradient descent whose points are opaque, as on a device."""

    resumable = True

    def __init__(self, start: Vector, *_: Any, **__: Any) -> None:
        self._point = start

    @staticmethod
    def footprint(history: History) -> Footprint:
        return Footprint(0, 0)

    def descend(self) -> Descent:
        for _ in range(40):
            _, gradient = yield cast("Vector", _Boxed(self._point))
            self._point = self._point - 0.25 * cast("_Boxed", gradient).values

    def restart(self, point: Vector) -> None:
        self._point = cast("_Boxed", point).values

    def finite(self, gradient: Vector) -> bool:
        return bool(np.isfinite(cast("_Boxed", gradient).values).all())


def test_points_of_a_method_need_not_be_arrays() -> None:
    def bowl(point: Vector) -> tuple[float, Vector]:
        away = cast("_Boxed", point).values - 3
        return float(away @ away), cast("Vector", _Boxed(2 * away))

    outcome = run(bowl, _Descent(np.zeros(4)), 200, _ignore)
    assert outcome.status is Status.CONVERGED
    np.testing.assert_allclose(cast("_Boxed", outcome.point).values, 3, atol=1e-6)


def test_a_resumed_run_goes_on_from_the_best_point_within_the_budget(
    method: type[Method],
) -> None:
    whole = run(_rosenbrock, method(np.zeros(10), (-9, 9)), 40, _ignore)
    kept = deepcopy(_state_after(method, 15))
    calls = []

    def counted(x: Vector) -> tuple[float, Vector]:
        calls.append(1)
        return _rosenbrock(x)

    outcome = run(counted, method(np.zeros(10), (-9, 9)), 40, _ignore, kept)
    assert len(calls) == 25
    assert outcome.evaluations == 40
    assert outcome.loss < kept.loss
    if method.resumable:
        np.testing.assert_array_equal(outcome.point, whole.point)


def _state_after(method: type[Method], evaluations: int) -> MinimizerState:
    states: list[MinimizerState] = []

    def stop(state: MinimizerState) -> None:
        states.append(state)
        if state.evaluations == evaluations:
            raise StopIteration

    run(_rosenbrock, method(np.zeros(10), (-9, 9)), 40, stop)
    return states[-1]


def test_a_run_goes_step_by_step_and_is_left_at_any_time(method: type[Method]) -> None:
    before = threading.active_count()
    steps = iteration(_rosenbrock, method(np.zeros(10), (-9, 9)), 40)
    assert [next(steps).evaluations for _ in range(5)] == [1, 2, 3, 4, 5]
    steps.close()
    assert threading.active_count() == before


def test_an_error_of_the_objective_is_the_callers(method: type[Method]) -> None:
    def fails(x: Vector) -> tuple[float, Vector]:
        raise RuntimeError("mine")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="mine"):
        run(fails, method(np.zeros(10), (-9, 9)), 40, _ignore)
    assert threading.active_count() == before
