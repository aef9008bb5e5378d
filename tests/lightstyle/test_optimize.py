import math

import numpy as np
import pytest

from lightstyle import optimize
from lightstyle.optimize import Objective, Outcome, Status, Vector, Watch


def minimize(
    objective: Objective, start: Vector, evaluations: int, watch: Watch
) -> Outcome:
    """With bounds that are far away."""
    return optimize.minimize(objective, start, evaluations, watch, (-1e4, 1e4))


def _ignore(point: Vector) -> None:
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
def test_known_minima_are_found(function: object, minimum: float) -> None:
    assert callable(function)
    outcome = minimize(function, np.zeros(20), 500, _ignore)
    np.testing.assert_allclose(outcome.point, minimum, atol=1e-4)


@pytest.mark.parametrize("budget", [1, 2, 7, 30])
def test_the_budget_of_evaluations_is_kept_exactly(budget: int) -> None:
    calls = []

    def counted(x: Vector) -> tuple[float, Vector]:
        calls.append(1)
        return _rosenbrock(x)

    outcome = minimize(counted, np.zeros(50), budget, _ignore)
    assert len(calls) == outcome.evaluations == budget
    assert outcome.status is Status.BUDGET_SPENT


def test_a_loss_in_float32_is_followed_to_its_resolution_and_then_converged() -> None:
    def coarse(x: Vector) -> tuple[float, Vector]:
        loss, gradient = _quadratic(x)
        return float(np.float32(loss + 1e6)), gradient.astype(np.float32)

    outcome = minimize(coarse, np.full(20, 500.0), 1000, _ignore)
    assert outcome.status is Status.CONVERGED
    assert outcome.evaluations < 1000
    assert outcome.loss == pytest.approx(1e6, abs=2)


def test_a_spoilt_line_search_is_not_the_end() -> None:
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
def test_a_number_that_is_none_ends_the_run_with_the_best_point(
    bad: float, where: str
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


def test_without_any_finite_loss_the_start_comes_back() -> None:
    def never(x: Vector) -> tuple[float, Vector]:
        return math.nan, x

    outcome = minimize(never, np.ones(3), 10, _ignore)
    assert outcome.status is Status.NON_FINITE
    assert math.isnan(outcome.loss)
    np.testing.assert_array_equal(outcome.point, np.ones(3))


def test_the_watcher_can_stop_the_run_and_that_evaluation_counts() -> None:
    seen: list[Vector] = []

    def watch(point: Vector) -> None:
        seen.append(point)
        if len(seen) == 8:
            raise StopIteration

    outcome = minimize(_rosenbrock, np.zeros(10), 100, watch)
    assert outcome.status is Status.CANCELLED
    assert outcome.evaluations == 8
    assert outcome.loss == min(_rosenbrock(point)[0] for point in seen)


def test_watched_points_are_the_best_so_far_and_stay_as_they_were() -> None:
    seen: list[tuple[Vector, Vector]] = []
    outcome = minimize(
        _rosenbrock, np.zeros(10), 40, lambda p: seen.append((p, p.copy()))
    )
    losses = [_rosenbrock(kept)[0] for kept, _ in seen]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == outcome.loss
    for kept, copy in seen:
        np.testing.assert_array_equal(kept, copy)


def test_the_start_is_not_modified() -> None:
    start = np.zeros(10)
    minimize(_rosenbrock, start, 20, _ignore)
    np.testing.assert_array_equal(start, np.zeros(10))


def test_the_first_step_is_one_unit_for_each_variable_whatever_the_loss() -> None:
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


def test_every_point_that_is_evaluated_lies_within_the_bounds() -> None:
    seen: list[Vector] = []

    def beyond(x: Vector) -> tuple[float, Vector]:
        seen.append(x.copy())
        return float(np.sum((x - 300) ** 2)), 2 * (x - 300)

    start = np.linspace(-50, 200, 30)
    outcome = optimize.minimize(beyond, start, 50, _ignore)
    assert min(x.min() for x in seen) >= 0
    assert max(x.max() for x in seen) <= 255
    np.testing.assert_allclose(outcome.point, 255)
    assert outcome.status is Status.CONVERGED
