from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lightstyle.optimize.curvature import History
from lightstyle.optimize.device import Answer, DeviceLBFGS, Point
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.method import Method
from lightstyle.optimize.minimize import MinimizerState, Status
from lightstyle.optimize.preconditioner import PyramidMap
from tests.support.devices import Steps
from tests.support.minimizing import rough_bowl, run
from tests.support.oracles import relative_l2

HEIGHT, WIDTH, PAIRS = 33, 26, 4
SIZE = 3 * HEIGHT * WIDTH
HISTORY = History(PAIRS)


class _Problem:
    """The same loss for either method."""

    def __init__(self, model: Path) -> None:
        self.steps = Steps(model, np.ones((HEIGHT, WIDTH), np.float32))
        self.start = np.random.default_rng(3).uniform(-20, 275, SIZE)

    def on_device(self) -> DeviceLBFGS:
        start = self.start.reshape(1, 3, HEIGHT, WIDTH).astype(np.float32)
        return DeviceLBFGS(start, self.steps, history=HISTORY)

    def on_host(self) -> LBFGS:
        pyramid = PyramidMap((3, HEIGHT, WIDTH))
        return LBFGS(self.start, (0, 255), preconditioner=pyramid, history=HISTORY)

    def __call__(self, point: Point | np.ndarray) -> tuple[float, Answer | np.ndarray]:
        parts, gradient = rough_bowl(np.asarray(point), WIDTH)
        if isinstance(point, np.ndarray):
            return float(parts.sum()), gradient
        shaped = gradient.reshape(1, 3, HEIGHT, WIDTH)
        return float(parts.sum()), self.steps.answer(shaped, parts)


@pytest.fixture(scope="module")
def problem(tiny_model: Path) -> _Problem:
    return _Problem(tiny_model)


def _points(
    problem: _Problem, method: Method, evaluations: int
) -> Iterator[np.ndarray]:
    descent = method.descend()
    point = next(descent)
    for _ in range(evaluations):
        yield np.array(point)
        point = descent.send(problem(point))


def test_it_goes_where_the_reference_goes(problem: _Problem) -> None:
    found = _points(problem, problem.on_device(), 15)
    expected = _points(problem, problem.on_host(), 15)
    for one, other in zip(found, expected, strict=True):
        assert relative_l2(one, other) < 1e-5


@pytest.mark.parametrize("before", [1, 3, PAIRS + 1, 14])
@pytest.mark.parametrize("ends", ["device to host", "host to device", "device"])
def test_a_run_goes_on_on_another_device(
    problem: _Problem, before: int, ends: str
) -> None:
    first = problem.on_host() if ends.startswith("host") else problem.on_device()
    second = problem.on_host() if ends.endswith("host") else problem.on_device()
    saved: list[MinimizerState] = []
    run(problem, first, before, saved.append)
    whole = run(problem, problem.on_host(), before + 5)
    outcome = run(problem, second, before + 5, resumed=saved[-1])
    assert outcome.evaluations == before + 5
    assert relative_l2(np.asarray(outcome.point), np.asarray(whole.point)) < 2e-5


def test_points_are_not_changed_by_later_steps(problem: _Problem) -> None:
    method = problem.on_device()
    descent = method.descend()
    point = next(descent)
    kept, before = point, np.array(point)
    for _ in range(4):
        point = descent.send(problem(point))
    np.testing.assert_array_equal(np.asarray(kept), before)


def test_a_gradient_that_is_not_finite_ends_the_run(problem: _Problem) -> None:
    method, count = problem.on_device(), 0

    def objective(point: Point) -> tuple[float, Answer]:
        nonlocal count
        count += 1
        parts, gradient = rough_bowl(np.asarray(point), WIDTH)
        if count == 3:
            gradient[5] = np.nan
        shaped = gradient.reshape(1, 3, HEIGHT, WIDTH)
        return float(parts.sum()), problem.steps.answer(shaped, parts)

    outcome = run(objective, method, 9)
    assert outcome.status is Status.NON_FINITE
    assert outcome.evaluations == 3


def test_a_minimum_is_converged_after_a_fresh_start(problem: _Problem) -> None:
    flat = problem.steps.answer(np.zeros((1, 3, HEIGHT, WIDTH)), np.ones(4))
    outcome = run(lambda _: (4.0, flat), problem.on_device(), 9)
    assert outcome.status is Status.CONVERGED
    np.testing.assert_array_equal(
        np.asarray(outcome.point), np.clip(problem.start, 0, 255).astype(np.float32)
    )


def test_frozen_pixels_keep_their_values(tiny_model: Path) -> None:
    free_hw = np.ones((HEIGHT, WIDTH), np.float32)
    free_hw[4:9, 3:] = 0
    problem = _Problem(tiny_model)
    problem.steps = Steps(tiny_model, free_hw)
    *_, last = _points(problem, problem.on_device(), 8)
    start = np.clip(problem.start, 0, 255).astype(np.float32).reshape(3, HEIGHT, WIDTH)
    changed = (last.reshape(3, HEIGHT, WIDTH) != start).any(axis=0)
    assert not changed[4:9, 3:].any()
    assert changed[free_hw > 0].mean() > 0.9
