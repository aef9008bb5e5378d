"""The optimiser's step as a graph, driven from NumPy, and its state made of LBFGS's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.optimizer.step import step_graph
from lightstyle import contract
from lightstyle import step_contract as names
from lightstyle.optimize.curvature import History
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.preconditioner import PyramidMap
from tests.support.runners import Run, runner

State = dict[str, NDArray[Any]]

#: Returns partial sums of the loss, and its gradient, at a flat point; all float64.
Objective = Callable[[NDArray[Any]], tuple[NDArray[np.float64], NDArray[np.float64]]]

BOUNDS = 0.0, 255.0

#: How close steps from the same state are.
CLOSE = 1e-5

#: Numbers that both optimisers know.
_SHARED = "factor", "step", "scale", "reach", "trials", "pairs", "idle", "stalled"


@dataclass(frozen=True)
class Walk:
    """A descent by the step's graph: where it is, and what it knows.

    Attributes:
        run: Runs the graph.
        image: Where the loss is wanted next, (1, 3, H, W).
        state: By name.
        free: 1 where pixels may change, (1, 1, H, W).
    """

    run: Run
    image: NDArray[Any]
    state: State
    free: NDArray[Any]

    @property
    def numbers(self) -> dict[str, float]:
        values = self.state[names.NUMBERS].tolist()
        return dict(zip(names.NUMBER_NAMES, values, strict=True))

    def after(self, sums: NDArray[Any], gradient: NDArray[Any]) -> "Walk":
        """The walk after the loss and the gradient at `image` are known."""
        kind = self.image.dtype
        feeds = {
            contract.IMAGE: self.image,
            contract.GRADIENT: gradient.reshape(self.image.shape).astype(kind),
            contract.WEIGHTED_SUMS: sums.astype(kind),
            names.FREE: self.free,
            **self.state,
        }
        found = self.run(feeds)
        state = {name: found[names.following(name)] for name in names.STATE}
        return Walk(self.run, found[names.following(contract.IMAGE)], state, self.free)

    def step(self, objective: Objective) -> "Walk":
        return self.after(*objective(self.image.ravel()))


def begun(
    run: Run,
    start: NDArray[Any],
    pairs: int,
    sums: int,
    frozen: NDArray[np.bool_] | None = None,
) -> Walk:
    """The walk from a picture (1, 3, H, W) in `BOUNDS`, whose dtype is the graph's."""
    height, width = start.shape[2:]
    shapes = names.state_shapes(height, width, pairs + 1, sums)
    state = {
        name: np.zeros([int(side) for side in shape], start.dtype)
        for name, shape in shapes.items()
    }
    free = np.ones((1, 1, height, width), start.dtype)
    if frozen is not None:
        free[0, 0, frozen] = 0
    return Walk(run, start, state, free)


def step_runner(*, rewrite: bool = False) -> Run:
    return runner(step_graph(rewrite=rewrite))


def reference(
    start: NDArray[Any], pairs: int, frozen: NDArray[np.bool_] | None = None
) -> LBFGS:
    """The same descent by `LBFGS`; `frozen` is (H, W)."""
    height, width = start.shape[2:]
    everywhere = None
    if frozen is not None:
        everywhere = np.broadcast_to(frozen, (3, height, width)).ravel()
    return LBFGS(
        start.ravel(),
        BOUNDS,
        preconditioner=PyramidMap((3, height, width)),
        frozen=everywhere,
        history=History(pairs),
    )


def state_of(optimizer: LBFGS, sums: NDArray[Any], size: tuple[int, int]) -> State:
    """The state of the graph that means the same as that of `optimizer`.

    Args:
        optimizer: Once it has accepted something.
        sums: Partial sums at its point.
        size: Height and width.
    """
    own = optimizer.state()
    steps, changes, inverse = _history(own, size)
    numbers = dict.fromkeys(names.NUMBER_NAMES, 0.0)
    numbers |= {name: float(own[name]) for name in names.NUMBER_NAMES if name in own}
    numbers |= {"evaluations": 1.0, "loss": float(np.sum(sums))}
    values = {
        names.POINT: _picture(own["point"], size),
        names.POINT_GRADIENT: _picture(own["gradient"], size),
        names.DIRECTION: _picture(own["direction"], size),
        names.STEPS: steps,
        names.CHANGES: changes,
        names.INVERSE: inverse,
        names.POINT_SUMS: sums,
        names.NUMBERS: np.array([numbers[name] for name in names.NUMBER_NAMES]),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


@dataclass
class Twins:
    """The graph and `LBFGS` side by side: every step of both is from the same state.

    Attributes:
        walk: By the graph.
        optimizer: The reference.
        sums: Partial sums at its point; None before the first step.
    """

    walk: Walk
    optimizer: LBFGS
    sums: NDArray[Any] | None = None

    def take(self, sums: NDArray[Any], gradient: NDArray[Any]) -> None:
        """Tell both of the loss; they must agree on all that follows."""
        image = self.walk.image
        optimizer, size = self.optimizer, (image.shape[2], image.shape[3])
        at = _picture(optimizer.propose(), size)
        state = self.walk.state
        if self.sums is not None:
            state = state_of(optimizer, self.sums, size)
        self.walk = Walk(self.walk.run, at, state, self.walk.free)
        gradient = gradient.astype(np.float32)
        self.walk = self.walk.after(sums, gradient)
        optimizer.accept(float(np.sum(sums, dtype=np.float64)), gradient.ravel())
        if np.array_equal(optimizer.state()["point"], at.ravel()):
            self.sums = sums
        assert self.sums is not None
        expected = state_of(optimizer, self.sums, size)
        for name, error in _differences(self.walk, optimizer, expected).items():
            assert error < CLOSE, (name, error)

    def follow(self, objective: Objective, steps: int) -> None:
        for _ in range(steps):
            self.take(*objective(self.optimizer.propose()))


def _differences(walk: Walk, optimizer: LBFGS, expected: State) -> dict[str, float]:
    """Relative L2 distances; that of the picture is relative to the way to it.

    Of a descent that has ended, the point alone counts.
    """
    numbers = dict(zip(names.NUMBER_NAMES, expected[names.NUMBERS], strict=True))
    pairs = min(int(numbers["pairs"]), expected[names.STEPS].shape[2] - 1)
    held = {names.STEPS: np.s_[:, :, :pairs], names.CHANGES: np.s_[:, :, :pairs]}
    stalled = bool(numbers["stalled"])
    shared = ("stalled",) if stalled else _SHARED
    found = {name: _distance(walk.numbers[name], numbers[name]) for name in shared}
    for name in (names.POINT, names.POINT_GRADIENT) if stalled else names.STATE[:-1]:
        part = held.get(name, ...)
        found[name] = _distance(walk.state[name][part], expected[name][part])
    if stalled:
        return found
    way = np.linalg.norm(optimizer.propose() - optimizer.state()["point"])
    off = np.linalg.norm(walk.image.ravel() - optimizer.propose())
    return found | {"next": float(off / (way or 1.0))}


def _distance(value: Any, expected: Any) -> float:
    value, expected = (np.asarray(each, np.float64) for each in (value, expected))
    off = np.linalg.norm(value - expected)
    return float(off / (np.linalg.norm(expected) or 1.0))


def _picture(vector: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return vector.reshape(1, 3, *size)


def _history(
    own: Mapping[str, Any], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pairs scaled to sᵀy = 1 and the inverse of R, by slot."""
    held, slots = len(own["steps"]), own["scales"].shape[1] + 1
    rows = [
        np.zeros((slots, 3 * size[0] * size[1])),
        np.zeros((slots, 3 * size[0] * size[1])),
    ]
    units = np.sqrt(np.diag(own["products"])[:held])
    for row, name, scales in zip(
        rows, ("steps", "changes"), own["scales"], strict=True
    ):
        row[:held] = own[name] * (scales[:held] / units)[:, None]
    order = (np.arange(held) + own["pairs"]) % max(held, 1)  # the oldest first
    products = own["products"][:held, :held] / np.outer(units, units)
    inverse = np.zeros((slots, slots))
    ordered = np.ix_(order, order)
    inverse[ordered] = np.linalg.inv(np.triu(products[ordered]))
    steps, changes = (
        row.reshape(slots, 3, *size).transpose(1, 2, 0, 3) for row in rows
    )
    return steps, changes, inverse
