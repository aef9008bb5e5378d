"""The compact form against the two loops of Nocedal, 1980."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.graph import Graph
from export.optimizer.history import SLOTS, History
from export.optimizer.values import Value
from tests.support.oracles import relative_l2
from tests.support.runners import Run, runner

SIZE = 1, 3, 5, 7
DIAGONAL = 0.3
Vector = NDArray[np.float64]


def _graph(*, rewrite: bool) -> Run:
    """Forget or not, add a pair, and multiply a picture by the inverse Hessian."""
    graph = Graph()

    def fed(name: str, *shape: int | str) -> Value:
        return Value(graph, graph.input(name, shape))

    picture = (1, 3, "H", "W")
    pairs = (3, "H", "M", "W")
    old = History(
        fed("steps", *pairs),
        fed("changes", *pairs),
        fed("inverse", "M", "M"),
        fed("count", 1),
    )
    step, change = fed("step", *picture), fed("change", *picture)
    kept = old.forgotten(fed("forget", 1))
    new = kept.added(step, change, step.dot(change), fed("good", 1), rewrite=rewrite)
    product = new.inverse_hessian(fed("gradient", *picture), lambda v: v * DIAGONAL)
    state = {"steps": new.steps, "changes": new.changes, "inverse": new.inverse}
    for name, value in {**state, "count": new.count, "product": product}.items():
        graph.outputs[f"next/{name}"] = value.tensor
    return runner(graph)


@pytest.fixture(params=[False, True], ids=["scatter", "rewrite"])
def run(request: pytest.FixtureRequest) -> Run:
    return _graph(rewrite=request.param)


class Ring:
    """A history of so many pairs, in a graph."""

    def __init__(self, run: Run, pairs: int) -> None:
        self.run = run
        slots = pairs + 1
        shape = 3, SIZE[2], slots, SIZE[3]
        self.state: dict[str, Any] = {
            "steps": np.zeros(shape, np.float32),
            "changes": np.zeros(shape, np.float32),
            "inverse": np.zeros((slots, slots), np.float32),
            "count": np.zeros(1, np.float32),
        }

    def add(
        self,
        pair: Sequence[Vector],
        gradient: Vector,
        *,
        good: bool = True,
        forget: bool = False,
    ) -> Vector:
        """H g after all that."""
        named = dict(zip(("step", "change"), pair, strict=True)) | {
            "gradient": gradient
        }
        feeds = {k: v.reshape(SIZE).astype(np.float32) for k, v in named.items()}
        truths = {"good": good, "forget": forget}
        feeds |= {k: np.array([v], np.float32) for k, v in truths.items()}
        found = self.run(feeds | self.state)
        self.state = {name: found[f"next/{name}"] for name in self.state}
        product: Vector = found["next/product"].ravel().astype(np.float64)
        return product


def _pairs(count: int) -> list[list[Vector]]:
    """Steps, and changes along them of a convex quadratic."""
    random = np.random.default_rng(5)
    n = int(np.prod(SIZE))
    root = random.normal(size=(n, n)) / np.sqrt(n)
    hessian = root @ root.T + 0.1 * np.eye(n)
    return [[step, hessian @ step] for step in random.normal(size=(count, n))]


def _two_loops(pairs: Sequence[Sequence[Vector]], gradient: Vector) -> Vector:
    q, shares = gradient.copy(), []
    for step, change in reversed(pairs):
        shares.append((step @ q) / (step @ change))
        q -= shares[-1] * change
    q *= DIAGONAL
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        q += step * (share - (change @ q) / (step @ change))
    return q


GRADIENT = np.random.default_rng(6).normal(size=int(np.prod(SIZE)))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_product_is_that_of_the_last_pairs(run: Run, length: int) -> None:
    ring, pairs = Ring(run, length), _pairs(2 * length + 3)
    for count, pair in enumerate(pairs, start=1):
        found = ring.add(pair, GRADIENT)
        expected = _two_loops(pairs[max(0, count - length) : count], GRADIENT)
        assert relative_l2(found, expected) < 1e-5
        assert ring.state["count"] == count


def test_a_refused_pair_changes_nothing_that_counts(run: Run) -> None:
    ring, pairs = Ring(run, 3), _pairs(8)
    for pair in pairs[:5]:
        ring.add(pair, GRADIENT)
    before = ring.state
    found = ring.add(pairs[5], GRADIENT, good=False)
    np.testing.assert_array_equal(ring.state["inverse"], before["inverse"])
    for name in ("steps", "changes"):
        held = np.s_[:, :, :3]
        np.testing.assert_array_equal(ring.state[name][held], before[name][held])
    assert relative_l2(found, _two_loops(pairs[2:5], GRADIENT)) < 1e-5
    found = ring.add(pairs[6], GRADIENT)
    assert relative_l2(found, _two_loops([*pairs[3:5], pairs[6]], GRADIENT)) < 1e-5


def test_a_pair_that_cannot_be_scaled_does_no_harm_when_it_is_refused(
    run: Run,
) -> None:
    ring, (pair, (step, change)) = Ring(run, 3), _pairs(2)
    ring.add(pair, GRADIENT)
    found = ring.add((step, -change), GRADIENT, good=False)
    assert relative_l2(found, _two_loops([pair], GRADIENT)) < 1e-5
    assert all(np.isfinite(value).all() for value in ring.state.values())


def test_what_is_forgotten_counts_no_more(run: Run) -> None:
    ring, pairs = Ring(run, 3), _pairs(8)
    for pair in pairs[:5]:
        ring.add(pair, GRADIENT)
    found = ring.add(pairs[5], GRADIENT, forget=True)
    assert ring.state["count"] == 1
    assert relative_l2(found, _two_loops(pairs[5:6], GRADIENT)) < 1e-5
    for count, pair in enumerate(pairs[6:], start=2):
        found = ring.add(pair, GRADIENT)
        expected = _two_loops(pairs[5 : 5 + count], GRADIENT)
        assert relative_l2(found, expected) < 1e-5


def test_without_pairs_the_product_is_the_initial_one(run: Run) -> None:
    ring, (pair,) = Ring(run, 3), _pairs(1)
    found = ring.add(pair, GRADIENT, good=False)
    np.testing.assert_allclose(found, DIAGONAL * GRADIENT, rtol=1e-6)


@pytest.mark.parametrize("count", [3 * 10**6, 2**23 - 1])
def test_the_ring_turns_as_long_as_float32_can_count(run: Run, count: int) -> None:
    ring, (pair,) = Ring(run, 7), _pairs(1)
    ring.state["count"] = np.array([count], np.float32)
    ring.add(pair, GRADIENT)
    written = ring.state["steps"].any(axis=(0, 1, 3))
    assert np.flatnonzero(written).tolist() == [count % 7]


def test_the_longest_history_fits() -> None:
    ring = Ring(_graph(rewrite=True), SLOTS - 1)
    (pair,) = _pairs(1)
    expected = _two_loops([pair], GRADIENT)
    assert relative_l2(ring.add(pair, GRADIENT), expected) < 1e-5
