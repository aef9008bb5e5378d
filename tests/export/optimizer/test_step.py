"""Single steps of the graph against `LBFGS`, from the same state, in every branch."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.optimizer.formulas import PATIENCE, TRIALS
from lightstyle import step_contract as names
from tests.support.runners import Run
from tests.support.steps import Objective, Twins, begun, reference, step_runner

Vector = NDArray[Any]


@cache
def _graph(rewrite: bool) -> Run:
    return step_runner(rewrite=rewrite)


def _curved(height: int, width: int) -> Objective:
    """Neighbours that pull at each other and a goal partly out of bounds."""
    size = 3 * height * width
    goal = 127 + 200 * np.sin(np.arange(size) / 7)

    def objective(x: Vector) -> tuple[Vector, Vector]:
        x = x.astype(np.float64)
        far, steps = x - goal, np.diff(x)
        gradient = 4 * far**3 / 1e4 + far
        gradient[1:] += 40 * steps
        gradient[:-1] -= 40 * steps
        rows = (far**4 / 1e4 + far**2 / 2).reshape(-1, width).sum(axis=1)
        return 1e6 * np.append(rows, 20 * np.sum(steps**2)), 1e6 * gradient

    return objective


def _twins(
    height: int = 17,
    width: int = 20,
    pairs: int = 4,
    *,
    rewrite: bool = False,
    frozen: NDArray[np.bool_] | None = None,
) -> Twins:
    random = np.random.default_rng(3)
    start = np.clip(random.uniform(-20, 275, (1, 3, height, width)), 0, 255)
    start = start.astype(np.float32)
    walk = begun(_graph(rewrite), start, pairs, 3 * height + 1, frozen)
    return Twins(walk, reference(start, pairs, frozen))


def _failing(twins: Twins, factor: float = 9.0) -> tuple[Vector, Vector]:
    """What is told of a trial with a loss that many times that of the start."""
    sums, gradient = _curved(17, 20)(twins.optimizer.propose())
    return factor * sums, gradient


@pytest.mark.parametrize("rewrite", [False, True])
@pytest.mark.parametrize("pairs", [1, 3, 10, 20])
def test_steps_are_the_same_until_the_ring_has_turned_twice(
    pairs: int, rewrite: bool
) -> None:
    twins = _twins(pairs=pairs, rewrite=rewrite)
    twins.follow(_curved(17, 20), min(2 * pairs + 4, 28))
    assert twins.walk.numbers["pairs"] > pairs


@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (15, 33), (33, 15), (7, 40), (31, 64), (1, 5)]
)
def test_steps_are_the_same_at_any_size(height: int, width: int) -> None:
    _twins(height, width, 3).follow(_curved(height, width), 8)


def test_pixels_that_are_not_free_stay() -> None:
    frozen = np.random.default_rng(1).uniform(size=(17, 20)) < 0.4
    twins = _twins(frozen=frozen)
    start = twins.walk.image
    twins.follow(_curved(17, 20), 12)
    stayed = twins.walk.image == start
    assert stayed[:, :, frozen].all()
    assert not stayed[:, :, ~frozen].all()


def test_the_picture_stays_within_bounds_and_reaches_them() -> None:
    twins = _twins()
    reached = []
    for _ in range(20):
        twins.follow(_curved(17, 20), 1)
        image = twins.walk.image
        assert image.min() >= 0
        assert image.max() <= 255
        reached.append((image.min() == 0, image.max() == 255))
    assert np.all(reached, axis=1).sum() > 10


@pytest.mark.parametrize("before", [1, 2, 7])
@pytest.mark.parametrize("factor", [1.00001, 1.2, 1e4])
def test_a_step_too_far_is_shortened(before: int, factor: float) -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), before)
    length = twins.walk.numbers["step"]
    sums, gradient = _curved(17, 20)(twins.optimizer.state()["point"])
    twins.take(factor * sums, gradient)
    assert twins.walk.numbers["accepted"] == 0
    assert 0.099 < twins.walk.numbers["step"] / length < 0.501
    assert twins.walk.numbers["trials"] == 1
    twins.follow(_curved(17, 20), 3)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_decrease_counts_from_a_share_of_what_was_promised(share: float) -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), 5)
    state = twins.optimizer.state()
    slope = float(
        state["gradient"].astype(np.float64)
        @ (twins.optimizer.propose().astype(np.float64) - state["point"])
    )
    sums, _ = _curved(17, 20)(state["point"])
    _, gradient = _curved(17, 20)(twins.optimizer.propose())
    sums[0] += share * 1e-4 * slope / state["factor"]
    twins.take(sums, gradient)
    assert twins.walk.numbers["accepted"] == (share > 1)


def test_without_a_history_there_is_nothing_left_to_try() -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), 1)
    for _ in range(TRIALS):
        assert twins.walk.numbers["stalled"] == 0
        twins.take(*_failing(twins))
    assert twins.walk.numbers["stalled"] == 1


def _bent_down(twins: Twins) -> tuple[Vector, Vector]:
    """A loss that is lower, and falls more steeply, than where the step began."""
    assert twins.sums is not None
    state = twins.optimizer.state()
    way = twins.optimizer.propose() - state["point"]
    gradient = state["gradient"] / state["factor"]
    steeper = gradient - 0.1 * np.abs(gradient).max() * way / np.abs(way).max()
    return 0.5 * twins.sums, steeper


def test_what_the_history_promised_in_vain_begins_afresh() -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), 6)
    twins.take(*_bent_down(twins))
    assert twins.walk.numbers["reach"] == 2
    for trial in range(1, TRIALS):
        twins.take(*_failing(twins))
        assert twins.walk.numbers["trials"] == trial
    assert twins.walk.numbers["pairs"] > 0
    twins.take(*_failing(twins))
    assert twins.walk.numbers["pairs"] == 0
    assert twins.walk.numbers["reach"] == 1
    assert twins.walk.numbers["stalled"] == 0
    assert not twins.walk.state[names.INVERSE].any()
    twins.follow(_curved(17, 20), 6)


@pytest.mark.parametrize("before", [1, 3])
def test_a_pair_of_negative_curvature_is_refused(before: int) -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), before)
    pairs = twins.walk.numbers["pairs"]
    for bent in (1, 2, 3):
        twins.take(*_bent_down(twins))
        assert twins.walk.numbers["accepted"] == 1
        assert twins.walk.numbers["pairs"] == pairs
        assert twins.walk.numbers["reach"] == 2**bent
    twins.follow(_curved(17, 20), 4)


@pytest.mark.parametrize(("cosine", "counts"), [(3e-7, 0), (3e-6, 1)])
def test_a_pair_counts_from_a_cosine_above_noise(cosine: float, counts: int) -> None:
    walk = _twins().walk.step(_curved(17, 20))
    sums, gradient = _curved(17, 20)(walk.state[names.POINT].ravel())
    way = (walk.image - walk.state[names.POINT]).ravel().astype(np.float64)
    along = way / np.linalg.norm(way)
    across = np.random.default_rng(2).normal(size=way.size)
    across -= along * (along @ across)
    change = across / np.linalg.norm(across) + cosine * along
    # Large beside the gradient, whose rounding would drown the cosine.
    walk = walk.after(0.5 * sums, gradient + 1e6 * np.linalg.norm(gradient) * change)
    assert walk.numbers["accepted"] == 1
    assert walk.numbers["pairs"] == counts


@pytest.mark.parametrize("lowered", [0.3, 3.0])
def test_steps_that_hardly_lower_the_loss_end_the_descent(lowered: float) -> None:
    def above(x: Vector) -> tuple[Vector, Vector]:
        sums, gradient = _curved(17, 20)(x)
        sums[-1] += 1e19  # most of the loss, which cannot be lowered
        return sums, gradient

    twins = _twins()
    twins.follow(above, 3)
    for step in range(1, PATIENCE + 1):
        assert twins.sums is not None
        sums = twins.sums.copy()
        sums[0] -= lowered * 1e-7 * sums.sum()
        _, gradient = above(twins.optimizer.propose())
        twins.take(sums, gradient)
        assert twins.walk.numbers["accepted"] == 1
        assert twins.walk.numbers["idle"] == (step if lowered < 1 else 0)
    assert twins.walk.numbers["stalled"] == (lowered < 1)


@pytest.mark.parametrize("scale", [1e-25, 1e-3, 1e25])
def test_the_scale_of_the_loss_makes_no_difference(scale: float) -> None:
    curved = _curved(17, 20)

    def scaled(x: Vector) -> tuple[Vector, Vector]:
        sums, gradient = curved(x)
        return scale * sums / 1e6, scale * gradient / 1e6

    _twins().follow(scaled, 8)


def test_where_nothing_slopes_the_descent_has_ended() -> None:
    twins = _twins()
    start = twins.walk.image
    twins.take(np.ones(52), np.zeros(start.size))
    assert twins.walk.numbers["stalled"] == 1
    np.testing.assert_array_equal(twins.walk.image, start)


def test_all_pixels_held_at_their_bounds_end_the_descent() -> None:
    start = np.zeros((1, 3, 17, 20), np.float32)
    twins = Twins(begun(_graph(False), start, 4, 52), reference(start, 4))
    twins.take(np.ones(52), np.ones(start.size))
    assert twins.walk.numbers["stalled"] == 1
    np.testing.assert_array_equal(twins.walk.image, start)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("before", [0, 3])
def test_a_gradient_that_is_not_finite_shows_in_the_numbers(
    before: int, spoilt: float
) -> None:
    walk = _twins().walk
    for _ in range(before):
        walk = walk.step(_curved(17, 20))
    sums, gradient = _curved(17, 20)(walk.image.ravel())
    gradient[100] = spoilt
    assert not np.isfinite(walk.after(sums, gradient).numbers["slope"])
    sums[3] = spoilt
    assert not np.isfinite(walk.after(sums, gradient).numbers["loss"])


@pytest.mark.parametrize("rewrite", [False, True])
@pytest.mark.parametrize("before", [1, 5])
def test_a_direction_uphill_gives_way_to_the_plain_gradient(
    before: int, rewrite: bool
) -> None:
    twins = _twins(rewrite=rewrite)
    twins.follow(_curved(17, 20), before)
    walk = twins.walk
    walk.state[names.NUMBERS][names.NUMBER_NAMES.index("scale")] = -1e6
    walk = walk.after(*_bent_down(twins))  # refused, so the scale stays
    assert walk.numbers["accepted"] == 1
    assert walk.numbers["stalled"] == walk.numbers["pairs"] == 0
    assert not walk.state[names.INVERSE].any()
    point, gradient = walk.state[names.POINT], walk.state[names.POINT_GRADIENT]
    outwards = ((point <= 0) & (gradient > 0)) | ((point >= 255) & (gradient < 0))
    slope = np.where(outwards, 0, gradient)
    plain = np.clip(point - slope / np.sqrt(np.mean(slope**2)), 0, 255)
    np.testing.assert_allclose(walk.image, plain, atol=1e-4)
    np.testing.assert_allclose(walk.state[names.DIRECTION], -slope, rtol=1e-5)
    for name, value in (("scale", 1), ("reach", 1), ("trials", 0)):
        assert walk.numbers[name] == value


@pytest.mark.parametrize("before", [1, 5])
def test_a_step_too_short_for_float32_gives_up_the_history_or_the_descent(
    before: int,
) -> None:
    twins = _twins()
    twins.follow(_curved(17, 20), before)
    walk = twins.walk
    walk.state[names.NUMBERS][names.NUMBER_NAMES.index("step")] = 0
    walk = walk.after(*_failing(twins))
    assert walk.numbers["pairs"] == 0
    assert walk.numbers["trials"] == 0
    assert walk.numbers["stalled"] == (before == 1)
