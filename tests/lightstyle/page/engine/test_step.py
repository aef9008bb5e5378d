"""The step that wasm takes is that of the step's graph."""

from typing import Any

import numpy as np
import pytest

from lightstyle import contract
from lightstyle import step_contract as names
from tests.support.node import answer, needs_node
from tests.support.oracles import relative_l2
from tests.support.steps import CLOSE, Objective, Walk, begun, step_runner

pytestmark = needs_node

HEIGHT, WIDTH, PAIRS = 17, 20, 4

_TAKE = """
const host = (data, dims) => ({ data: Float32Array.from(data), dims });
const runtime = { host, place: host };
const made = [];
for (const { image, gradient, sums, state } of given) {
  const own = new host_step.HostStep(runtime, [WIDTH, HEIGHT], PAIRS);
  const tensors = Object.fromEntries(
    Object.entries(state).map(([name, data]) => [name, host(data)]));
  const answer = { gradient: host(gradient), sums: host(sums) };
  const next = await own.take(host(image), answer, tensors);
  const values = Object.entries({ image: next.image, ...next.state });
  made.push(Object.fromEntries(values.map(([name, { data }]) => [name, [...data]])));
}
return made;
"""


def _curved(x: Any) -> Any:
    """Neighbours that pull at each other and a goal partly out of bounds."""
    x = x.astype(np.float64)
    goal = 127 + 200 * np.sin(np.arange(x.size) / 7)
    far, steps = x - goal, np.diff(x)
    gradient = 4 * far**3 / 1e4 + far
    gradient[1:] += 40 * steps
    gradient[:-1] -= 40 * steps
    rows = (far**4 / 1e4 + far**2 / 2).reshape(-1, WIDTH).sum(axis=1)
    return 1e6 * np.append(rows, 20 * np.sum(steps**2)), 1e6 * gradient


def _bending(x: Any) -> Any:
    """A loss that bends down, so that no pair counts."""
    x = x.astype(np.float64) - 128
    return np.append(-(x**2).reshape(-1, WIDTH).sum(axis=1), 0.0), -2 * x


def _failing(times: int) -> Objective:
    """A loss that is high at some places that were not tried before."""
    count = 0

    def objective(x: Any) -> Any:
        nonlocal count
        count += 1
        sums, gradient = _curved(x)
        return (9 if 6 <= count < 6 + times else 1) * sums, gradient

    return objective


@pytest.mark.parametrize(
    "objective",
    [_curved, _bending, _failing(3), _failing(30)],
    ids=["curved", "bending", "failing", "failing for good"],
)
def test_each_step_is_the_graphs(objective: Objective) -> None:
    random = np.random.default_rng(3)
    start = np.clip(random.uniform(-20, 275, (1, 3, HEIGHT, WIDTH)), 0, 255)
    walk = begun(step_runner(), start.astype(np.float32), PAIRS, 3 * HEIGHT + 1)
    given, expected = [], []
    for _ in range(24):
        sums, gradient = objective(walk.image.ravel())
        after = walk.after(sums, gradient)
        given.append(_written(walk, sums, gradient))
        expected.append({contract.IMAGE: after.image, **after.state})
        walk = after
        if walk.numbers["stalled"]:
            break
    sizes = f"const [HEIGHT, WIDTH, PAIRS] = {[HEIGHT, WIDTH, PAIRS]};"
    made = answer(sizes + _TAKE, given, modules=("host_step",))
    for number, (found, right) in enumerate(zip(made, expected, strict=True)):
        off = _differences(found, right)
        assert max(off.values()) < 20 * CLOSE, (number, off)


def _written(walk: Walk, sums: Any, gradient: Any) -> dict[str, Any]:
    state = {name: value.ravel().tolist() for name, value in walk.state.items()}
    values = walk.image, gradient.astype(np.float32), sums.astype(np.float32)
    image, slopes, parts = (value.ravel().tolist() for value in values)
    return {"image": image, "gradient": slopes, "sums": parts, "state": state}


def _differences(found: Any, right: Any) -> dict[str, float]:
    """Relative distances; a slot that holds no pair is the graph's own affair."""
    numbers = dict(zip(names.NUMBER_NAMES, right[names.NUMBERS], strict=True))
    own = dict(zip(names.NUMBER_NAMES, found.pop(names.NUMBERS), strict=True))
    off = {
        name: abs(own[name] - value) / max(abs(value), 1e-6)
        for name, value in numbers.items()
    }
    held = int(min(numbers["pairs"], PAIRS))
    for name, values in found.items():
        value, expected = np.reshape(values, right[name].shape), right[name]
        if name in (names.STEPS, names.CHANGES):
            value, expected = value[:, :, :held], expected[:, :, :held]
        if expected.any():
            off[name] = relative_l2(value, expected.astype(np.float64))
        else:
            off[name] = float(np.abs(value).max(initial=0))
    return off
