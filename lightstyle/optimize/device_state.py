"""The state of the step's graph, made from that of `LBFGS` and turned back into it.

Both hold the same: the graph has rows of a picture beside its pairs, scaled to sᵀy = 1,
and the inverse of the triangle R of their products.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..step_contract import (
    CHANGES,
    DIRECTION,
    INVERSE,
    NUMBER_NAMES,
    NUMBERS,
    POINT,
    POINT_GRADIENT,
    POINT_SUMS,
    STEPS,
    state_shapes,
)
from .lbfgs import STATE

#: Numbers that have the same names and meanings in both, and what reads each back. The
#: loss is in another unit, and that of another picture.
_SAME: Final[dict[str, Any]] = {
    **{name: STATE[name] for name in NUMBER_NAMES if name in STATE and name != "loss"},
    "pairs": int,
}

#: Pictures of the graph's state → vectors of the other.
_PICTURES: Final = {
    POINT: "point",
    POINT_GRADIENT: "gradient",
    DIRECTION: "direction",
}

#: Names of all that `to_lbfgs` returns.
NAMES: Final = (
    *_PICTURES.values(),
    *_SAME,
    "loss",
    "steps",
    "changes",
    "scales",
    "products",
)

#: Arrays by name.
_Arrays = dict[str, NDArray[Any]]


def zeros(height: int, width: int, pairs: int, sums: int) -> _Arrays:
    """Return the state before the first evaluation.

    Args:
        height: Of the picture.
        width: Of the picture.
        pairs: Most pairs that are remembered.
        sums: Number of partial sums of the loss.
    """
    shapes: Mapping[str, Any] = state_shapes(height, width, pairs + 1, sums)
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def fill(made: _Arrays, state: Mapping[str, Any]) -> None:
    """Write a state of `LBFGS` into `zeros`, with as many of its pairs as fit.

    What the loss at the point is made of is not known: it is put into the first of the
    partial sums, so that the next decrease is resolved as well as a float32 loss is.

    Args:
        made: Arrays of the graph's state by name.
        state: A state after at least one evaluation.
    """
    for name, own in _PICTURES.items():
        made[name][:] = np.reshape(state[own], made[name].shape)
    held, pairs = len(state["steps"]), len(made[INVERSE]) - 1
    newest = _order(held, int(state["pairs"]))[-pairs:]
    products = np.asarray(state["products"])[np.ix_(newest, newest)]
    units = 1 / np.sqrt(np.diag(products))
    kept = len(newest)
    triangle = np.triu(products * units * units[:, None])
    made[INVERSE][:kept, :kept] = np.linalg.inv(triangle)
    for name, own, scales in zip(
        (STEPS, CHANGES), ("steps", "changes"), state["scales"], strict=True
    ):
        pictures = made[name].transpose(2, 0, 1, 3)
        for slot, old in enumerate(newest):
            row = state[own][old].astype(np.float32)
            unit = np.float32(scales[old] * units[slot])
            pictures[slot] = row.reshape(pictures.shape[1:]) * unit
    made[POINT_SUMS][0] = state["loss"] / state["factor"]
    numbers = {"evaluations": 1, **{name: state[name] for name in _SAME}, "pairs": kept}
    for index, name in enumerate(NUMBER_NAMES):
        made[NUMBERS][index] = numbers.get(name, 0)


def read(placed: Any) -> NDArray[Any]:
    """Return an array that may be on a device; only a copy of it is sure to stay."""
    if isinstance(placed, np.ndarray):
        return placed
    array: NDArray[Any] = placed.numpy()
    return array


def to_lbfgs(state: Mapping[str, Any], pairs: int) -> dict[str, Any]:
    """Return the state of `LBFGS` for a state of the graph, which is copied.

    Args:
        state: Arrays by name, on a device or not.
        pairs: Most pairs that are remembered.
    """
    numbers = dict(zip(NUMBER_NAMES, read(state[NUMBERS]), strict=True))
    found: dict[str, Any] = {name: kind(numbers[name]) for name, kind in _SAME.items()}
    held = min(found["pairs"], pairs)
    for name, own in _PICTURES.items():
        found[own] = read(state[name]).flatten()
    for name, own in ((STEPS, "steps"), (CHANGES, "changes")):
        rows = read(state[name]).transpose(2, 0, 1, 3)[:held]
        found[own] = rows.reshape(held, found["point"].size)
    order = _order(held, found["pairs"])
    inverse = read(state[INVERSE]).astype(np.float64)[np.ix_(order, order)]
    products = np.zeros((pairs, pairs))
    products[np.ix_(order, order)] = np.linalg.inv(inverse)
    sums = read(state[POINT_SUMS]).sum(dtype=np.float64)
    return found | {
        "loss": float(sums) * found["factor"],
        "scales": np.ones((2, pairs)),
        "products": products,
    }


def _order(held: int, count: int) -> NDArray[np.int64]:
    """Return the slots of pairs, the oldest first."""
    return (np.arange(held) + count) % max(held, 1)
