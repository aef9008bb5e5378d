import numpy as np
import pytest

from lightstyle.optimize import device_state
from lightstyle.optimize.curvature import History
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.preconditioner import PyramidMap
from lightstyle.step_contract import NUMBER_NAMES, NUMBERS, POINT_SUMS, state_shapes

HEIGHT, WIDTH, PAIRS, SUMS = 17, 20, 4, 9
SIZE = 3 * HEIGHT * WIDTH


def _lbfgs(precision: str = "f4") -> LBFGS:
    return LBFGS(
        np.random.default_rng(1).uniform(0, 255, SIZE),
        (0, 255),
        preconditioner=PyramidMap((3, HEIGHT, WIDTH)),
        history=History(PAIRS, precision),
    )


def _after(evaluations: int, precision: str = "f4") -> LBFGS:
    method = _lbfgs(precision)
    curvature = np.linspace(1, 40, SIZE, dtype=np.float32)
    for _ in range(evaluations):
        away = method.propose() - np.float32(90)
        method.accept(float(curvature @ away**2) / 2, curvature * away)
    return method


def _placed(method: LBFGS, pairs: int = PAIRS) -> dict[str, np.ndarray]:
    made = device_state.zeros(HEIGHT, WIDTH, pairs, SUMS)
    device_state.fill(made, method.state())
    return made


@pytest.mark.parametrize("precision", ["f2", "f4"])
@pytest.mark.parametrize("evaluations", [1, 2, 4, 5, 11])
def test_a_state_that_went_to_a_device_and_back_goes_on_as_before(
    evaluations: int, precision: str
) -> None:
    method = _after(evaluations, precision)
    placed = _placed(method)
    returned = device_state.to_lbfgs(placed, PAIRS)
    assert returned.keys() == method.state().keys() == {*device_state.NAMES}
    other = _lbfgs()
    other.restore(returned)
    for one in (method, other):
        gradient = np.sin(np.arange(SIZE, dtype=np.float32)) + one.propose() - 90
        one.accept(method.state()["loss"] / method.state()["factor"] - 1e9, gradient)
    np.testing.assert_allclose(other.propose(), method.propose(), atol=2e-3)


def test_the_loss_of_the_point_is_kept_in_its_unit() -> None:
    method = _after(3)
    state, placed = method.state(), _placed(method)
    loss = state["loss"] / state["factor"]
    assert placed[POINT_SUMS].sum() == pytest.approx(loss, rel=1e-6)
    numbers = dict(zip(NUMBER_NAMES, placed[NUMBERS], strict=True))
    assert numbers["evaluations"] == 1
    assert numbers["pairs"] == state["pairs"]


@pytest.mark.parametrize("evaluations", [3, 11])
def test_a_shorter_history_keeps_the_newest_pairs(evaluations: int) -> None:
    method = _after(evaluations)
    returned = device_state.to_lbfgs(_placed(method, 2), 2)
    state = method.state()
    newest = (state["pairs"] - 1) % PAIRS
    scale = state["scales"][0, newest] / np.sqrt(state["products"][newest, newest])
    assert returned["pairs"] == 2
    np.testing.assert_allclose(
        returned["steps"][1], state["steps"][newest] * scale, rtol=1e-5
    )


def test_the_start_is_zero_all_over() -> None:
    state = device_state.zeros(HEIGHT, WIDTH, PAIRS, SUMS)
    assert {name: array.shape for name, array in state.items()} == state_shapes(
        HEIGHT, WIDTH, PAIRS + 1, SUMS
    )
    assert not any(array.any() for array in state.values())
