import io
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from lightstyle.optimize.curvature import History
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.preconditioner import PyramidMap
from tests.support.minimizing import rough_bowl

SHAPE = (3, 16, 20)
SIZE = 3 * 16 * 20


def _objective(x: np.ndarray) -> tuple[float, np.ndarray]:
    parts, gradient = rough_bowl(x, SHAPE[-1])
    return 1e6 * float(parts.sum()), 1e6 * gradient


def _made(**options: object) -> LBFGS:
    start = np.random.default_rng(3).uniform(-20, 275, SIZE)
    pyramid = PyramidMap(SHAPE)
    return LBFGS(start, (0, 255), preconditioner=pyramid, **options)  # type: ignore[arg-type]


def _losses(optimizer: LBFGS, evaluations: int) -> list[float]:
    losses = []
    for _ in range(evaluations):
        loss, gradient = _objective(optimizer.propose())
        optimizer.accept(loss, gradient)
        losses.append(loss)
    return losses


@pytest.mark.parametrize("before", [0, 1, 2, 7, 25])
@pytest.mark.parametrize("precision", ["f2", "f4", "f8"])
def test_saved_and_loaded_goes_on_as_if_nothing_had_been(
    before: int, precision: str
) -> None:
    whole = _losses(_made(history=History(4, precision)), before + 12)
    first = _made(history=History(4, precision))
    _losses(first, before)
    file = io.BytesIO()
    np.savez(file, **first.state())
    file.seek(0)
    second = LBFGS(
        np.zeros(SIZE),
        (0, 255),
        preconditioner=PyramidMap(SHAPE),
        history=History(4, precision),
    )
    second.restore(dict(np.load(file, allow_pickle=False)))
    assert _losses(second, 12) == whole[before:]


def test_without_its_history_it_goes_on_otherwise() -> None:
    whole = _losses(_made(), 30)
    first = _made()
    _losses(first, 20)
    first.restart(first.propose())
    assert _losses(first, 10) != whole[20:]


def test_a_restored_state_is_a_copy() -> None:
    first, second = _made(), _made()
    _losses(first, 10)
    second.restore(first.state())
    expected = second.propose()
    _losses(first, 10)
    np.testing.assert_array_equal(second.propose(), expected)


def test_about_one_evaluation_makes_a_step() -> None:
    losses = _losses(_made(), 40)
    assert sum(b < a for a, b in pairwise(losses)) >= 35


def test_broad_changes_are_found_sooner_with_a_pyramid() -> None:
    plain = LBFGS(np.random.default_rng(3).uniform(-20, 275, SIZE), (0, 255))
    assert min(_losses(_made(), 15)) < min(_losses(plain, 15))


@pytest.mark.parametrize("precision", ["f2", "f4", "f8"])
def test_the_precision_of_the_history_is_a_choice(precision: str) -> None:
    losses = _losses(_made(history=History(20, precision)), 60)
    assert min(losses) == pytest.approx(min(_losses(_made(), 200)), rel=1e-3)


@pytest.mark.parametrize("pairs", [3, 10])
def test_memory_is_known_beforehand(pairs: int) -> None:
    shape = (3, 256, 256)
    size = 3 * 256 * 256
    scales = np.linspace(1, 100, size, dtype=np.float32)
    start = np.full(size, 128, np.float32)
    tracemalloc.start()
    try:
        optimizer = LBFGS(
            start, (0, 255), preconditioner=PyramidMap(shape), history=History(pairs)
        )
        for _ in range(pairs + 3):
            gradient = scales * (optimizer.propose() - 100)
            optimizer.accept(float(gradient @ gradient), gradient)
        del gradient
        kept, peak = (count / size for count in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    expected = LBFGS.footprint(History(pairs))
    assert 0.9 < kept / expected.kept < 1.02
    assert 0.9 < peak / (expected.kept + expected.working) < 1.02


def test_sixteen_bits_halve_the_history() -> None:
    assert LBFGS.footprint(History(10, "f2")) == LBFGS.footprint(History(5))


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e25])
def test_the_scale_of_the_loss_makes_no_difference(scale: float) -> None:
    optimizer = LBFGS(np.full(50, 5.0))
    for _ in range(30):
        point = optimizer.propose()
        gradient = (scale * 2 * point * np.linspace(1, 9, 50)).astype(np.float32)
        loss = scale * float(
            np.sum(point.astype(np.float64) ** 2 * np.linspace(1, 9, 50))
        )
        optimizer.accept(loss, gradient)
    assert np.abs(optimizer.propose()).max() < 1e-2


def test_what_float32_cannot_hold_gives_no_warning() -> None:
    optimizer = _made()
    _losses(optimizer, 4)
    state = {name: np.copy(value) for name, value in optimizer.state().items()}
    state["gradient"] = np.full(SIZE, 3e38, np.float32)
    state["scale"] = np.array(1e38)
    again = _made()
    again.restore(state)
    for _ in range(3):
        again.accept(1e9, np.zeros(SIZE, np.float32))
        again.propose()
        again.accept(0.0, np.full(SIZE, -3e38, np.float32))


def test_pairs_that_rounding_makes_useless_are_forgotten() -> None:
    optimizer = _made()
    _losses(optimizer, 4)
    state = {name: np.copy(value) for name, value in optimizer.state().items()}
    state["products"] = np.zeros_like(state["products"])
    again = _made()
    again.restore(state)
    loss, gradient = _objective(again.propose())
    again.accept(loss, gradient)
    assert np.isfinite(again.propose()).all()
    assert len(_losses(again, 3)) == 3
