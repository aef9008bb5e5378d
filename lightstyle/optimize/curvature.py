"""The history of L-BFGS: the last steps, and the changes of the gradient along them.

The product with the inverse Hessian that they imply is written with matrices
(Byrd, Nocedal and Schnabel 1994, their theorem 2.2), so that it costs four passes over
the history and no loop over its pairs. With S the steps and Y the changes as columns, R
the upper triangle of SᵀY and D its diagonal:

    H g = H₀ q + S R⁻ᵀ (D p − Yᵀ H₀ q),    p = R⁻¹ Sᵀ g,    q = g − Y p.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from ..arrays import Array
from .vectors import Small, combination, dot, dots

#: A pair counts if the cosine between step and change is at least this. Below it, the
#: curvature is float32 noise, or negative.
_LEAST_COSINE: Final = 1e-6


@dataclass(frozen=True)
class History:
    """How much of its steps a method remembers.

    Attributes:
        pairs: Number of pairs of step and change, at least 1.
        precision: Floating-point type of their values: ``f4``, or ``f2`` to halve the
            memory. Each vector has a scale of its own, so the range does not matter.
    """

    pairs: int = 20
    precision: str = "f4"

    def __str__(self) -> str:
        """Describe the history to the user."""
        return f"history of {self.pairs}" + " in 16 bits" * (self.precision == "f2")


#: The default history. Fewer pairs need more evaluations, more pairs hardly fewer; a
#: precision of 16 bits needs no more.
HISTORY: Final = History()


class Pairs:
    """A ring buffer of the last pairs of step and change.

    Attributes:
        history: How many pairs it holds, and how precisely.
    """

    def __init__(self, size: int, history: History) -> None:
        """Reserve memory for vectors of `size`; it is touched only as pairs arrive."""
        self.history = history
        shape = history.pairs, size
        self._steps = np.empty(shape, history.precision)
        self._changes = np.empty(shape, history.precision)
        self._scales = np.ones((2, history.pairs))  # of steps and changes
        self._products = np.zeros((history.pairs,) * 2)  # SᵀY, where R needs it
        self._count = 0  # of all pairs so far
        self._fresh: int | None = None  # slot whose products are not known yet

    @classmethod
    def restored(cls, state: Mapping[str, Any], size: int) -> Self:
        """Make the ring of vectors of `size` that `state` was taken of."""
        scales, steps = state["scales"], state["steps"]
        pairs = cls(size, History(scales.shape[1], steps.dtype.str[1:]))
        pairs._count = int(state["pairs"])
        pairs._steps[: len(pairs)] = steps
        pairs._changes[: len(pairs)] = state["changes"]
        pairs._scales[:] = scales
        pairs._products[:] = state["products"]
        return pairs

    def __len__(self) -> int:
        return min(self._count, len(self._steps))

    def add(self, step: Array, change: Array) -> float:
        """Remember a pair in place of the oldest, if its curvature is positive.

        Returns:
            The inner product of the two, or 0 if the pair was refused.
        """
        curvature = dot(step, change)
        lengths = np.sqrt(dot(step, step)) * np.sqrt(dot(change, change))
        if not curvature > _LEAST_COSINE * lengths:
            return 0.0
        slot = self._count % len(self._steps)
        for rows, scales, vector in zip(
            (self._steps, self._changes), self._scales, (step, change), strict=True
        ):
            scales[slot] = np.sqrt(dot(vector, vector) / vector.size)
            np.multiply(vector, 1 / scales[slot], out=rows[slot], casting="same_kind")
        self._count += 1
        self._fresh = slot
        return curvature

    def inverse_hessian(
        self, gradient: Array, initial: Callable[[Array], Array]
    ) -> Array:
        """Return H g.

        Args:
            gradient: The vector g.
            initial: Multiplies a vector, which it may overwrite, by H₀.
        """
        held = len(self)
        if not held:
            return initial(gradient)
        order = (np.arange(held) + self._count) % held  # the oldest first
        back = np.argsort(order)
        steps, changes = self._steps[:held], self._changes[:held]
        of_steps, of_changes = self._scales[:, :held]
        slopes = of_steps * self._along_steps(gradient)
        triangle = np.triu(self._products[np.ix_(order, order)])
        along = np.linalg.solve(triangle, slopes[order])
        remainder = combination(gradient, -of_changes * along[back], changes)
        product = initial(remainder)
        curved = (of_changes * dots(changes, product)[0])[order]
        weights = np.linalg.solve(triangle.T, np.diag(triangle) * along - curved)
        return combination(product, of_steps * weights[back], steps)

    def _along_steps(self, gradient: Array) -> Small:
        """Return Sᵀ g, unscaled; the same pass updates SᵀY for the newest change."""
        held = len(self)
        if self._fresh is None:
            (slopes,) = dots(self._steps[:held], gradient)
            return slopes
        slot, self._fresh = self._fresh, None
        change = self._changes[slot].astype(np.float32, copy=False)
        newest, slopes = dots(self._steps[:held], change, gradient)
        both = self._scales[0, :held] * self._scales[1, slot]
        self._products[:held, slot] = both * newest
        return slopes

    def state(self) -> dict[str, Any]:
        """Return all that `restored` needs; the arrays are views of the ring."""
        held = len(self)
        return {
            "pairs": self._count,
            "steps": self._steps[:held],
            "changes": self._changes[:held],
            "scales": self._scales,
            "products": self._products,
        }
