"""Whatever the reference does, the step minimises, and goes on from a file."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from export.optimizer.step import step_graph
from export.write import to_proto
from lightstyle import onnx_runtime
from lightstyle import step_contract as names
from tests.support.binding import Bound
from tests.support.runners import Run, runner
from tests.support.steps import Walk, begun, step_runner

Vector = NDArray[Any]

SIZE = 16, 18  # so that the pyramid has a level
VALUES = 3 * 16 * 18

#: Least value of `_quadratic`; a third of it is out of bounds.
GOAL = np.linspace(20, 230, VALUES)
GOAL[::3] += np.where(GOAL[::3] > 125, 200, -200)


@pytest.fixture(scope="module")
def exact() -> Run:
    """The step in float64."""
    graph = step_graph(dtype=np.float64)
    evaluator = ReferenceEvaluator(to_proto(graph))

    def run(feeds: Any) -> dict[str, Any]:
        # Sides of a choice that are not taken may divide by 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            values = evaluator.run(None, {name: feeds[name] for name in graph.inputs})
        return dict(zip(graph.outputs, values, strict=True))

    return run


def _quadratic(point: Vector) -> tuple[Vector, Vector]:
    curvature = np.geomspace(1, 50, VALUES)[::-1]
    away = point - GOAL
    return curvature * away**2 / 2, curvature * away


def _rosenbrock(point: Vector) -> tuple[Vector, Vector]:
    """In pairs of variables; its least value, 0, is at 170."""
    x, y = ((point - 120) / 50).reshape(-1, 2).T
    bent = y - x**2
    by_x, by_y = -400 * x * bent - 2 * (1 - x), 200 * bent
    gradient = np.stack([by_x, by_y], axis=1).ravel() / 50
    return 100 * bent**2 + (1 - x) ** 2, gradient


def _random(size: tuple[int, int]) -> Vector:
    return np.random.default_rng(0).uniform(0, 255, (1, 3, *size))


def test_it_minimises_a_convex_quadratic_within_bounds(exact: Run) -> None:
    walk = begun(exact, _random(SIZE), 10, VALUES)
    for _ in range(100):
        walk = walk.step(_quadratic)
    sums, _ = _quadratic(walk.state[names.POINT].ravel())
    least, _ = _quadratic(np.clip(GOAL, 0, 255))
    assert sums.sum() == pytest.approx(least.sum(), rel=1e-6)
    np.testing.assert_allclose(walk.image.ravel(), np.clip(GOAL, 0, 255), atol=0.5)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_it_minimises_rosenbrock(exact: Run, seed: int | None) -> None:
    start = np.tile([60.0, 170.0], 3)  # (−1.2, 1)
    if seed is not None:
        start = np.random.default_rng(seed).uniform(60, 200, 6)
    walk = begun(exact, start.reshape(1, 3, 1, 2), 10, 3)
    for _ in range(100):
        walk = walk.step(_rosenbrock)
        if walk.numbers["loss"] < 1e-12:
            break
    np.testing.assert_allclose(walk.state[names.POINT], 170, atol=1e-3)


@pytest.mark.parametrize("rewrite", [False, True])
def test_saved_after_any_step_and_restored_it_goes_on_bit_for_bit(
    rewrite: bool,
) -> None:
    run, pairs, steps = step_runner(rewrite=rewrite), 3, 9
    start = _random(SIZE).astype(np.float32)
    walks = [begun(run, start, pairs, VALUES)]
    for _ in range(steps):
        walks.append(walks[-1].step(_quadratic))
    again = step_runner(rewrite=rewrite)
    for number, walk in enumerate(walks):
        file = io.BytesIO()
        np.savez(file, **{"image": walk.image, **walk.state})  # type: ignore[arg-type]
        file.seek(0)
        state = dict(np.load(file, allow_pickle=False))
        resumed = Walk(again, state.pop("image"), state, walk.free)
        for expected in walks[number + 1 :]:
            resumed = resumed.step(_quadratic)
            np.testing.assert_array_equal(resumed.image, expected.image)
            for name, value in expected.state.items():
                np.testing.assert_array_equal(resumed.state[name], value, name)


def test_both_forms_take_the_same_steps_bit_for_bit() -> None:
    start = _random(SIZE).astype(np.float32)
    walks = [
        begun(step_runner(rewrite=rewrite), start, 3, VALUES)
        for rewrite in (False, True)
    ]
    for _ in range(10):
        walks = [walk.step(_quadratic) for walk in walks]
        np.testing.assert_array_equal(walks[0].image, walks[1].image)
        for name, value in walks[0].state.items():
            np.testing.assert_array_equal(value, walks[1].state[name], name)


def test_a_history_written_where_it_lies_is_the_same_bit_for_bit() -> None:
    start = _random(SIZE).astype(np.float32)
    graph = step_graph()
    session = onnx_runtime.load().InferenceSession(to_proto(graph).SerializeToString())
    bound, walk = (
        Bound(session, start, 3, VALUES),
        begun(runner(graph), start, 3, VALUES),
    )
    kept = bound.sets[0][names.STEPS].data_ptr()
    for _ in range(8):
        bound.tell(*_quadratic(bound.image.ravel()))
        bound.step()
        walk = walk.step(_quadratic)
        np.testing.assert_array_equal(bound.image, walk.image)
        for name, value in bound.state.items():
            np.testing.assert_array_equal(value, walk.state[name], name)
        assert bound.sets[0][names.STEPS].data_ptr() == kept
        assert bound.sets[1][names.STEPS].data_ptr() == kept
