"""What L-BFGS remembers: the last steps and the changes of the gradient along them.

The product with the inverse Hessian that they imply is written with matrices
(Byrd, Nocedal and Schnabel 1994, their theorem 2.2), so that it costs four passes over
the history and no loop over its pairs. With S the steps and Y the changes as columns, R
the upper triangle of SᵀY and D its diagonal:

    H g = H₀ q + S R⁻ᵀ (D p − Yᵀ H₀ q),    p = R⁻¹ Sᵀ g,    q = g − Y p.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array

Small = NDArray[np.float64]

#: Values of a row that are worked on at a time: little is converted at once, and what
#: is used twice stays in a processor's cache.
_BLOCK: Final = 16384

#: Elements of a matrix that BLAS multiplies at a time. Sums of so few are accurate (and
#: are added in float64), and no BLAS starts threads for it: they would fight with
#: onnxruntime's. At 786,432 values a product took 8 to 35 ms with them, 1.5 without.
_TILE: Final = 8192

#: A pair counts if the cosine between step and change is at least this: below, its
#: curvature is float32's noise, or negative.
_LEAST_COSINE: Final = 1e-6


@dataclass(frozen=True)
class History:
    """How much is remembered.

    Attributes:
        pairs: That are kept, at least 1.
        precision: Floating-point type of their values, ``f4`` or ``f2``, which halves
            the memory; each vector has a factor of its own, so that its range does not
            matter.
    """

    pairs: int = 20
    precision: str = "f4"

    def __str__(self) -> str:
        """In words."""
        return f"history of {self.pairs}" + " in 16 bits" * (self.precision == "f2")

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """The one of a `state` of `Pairs`."""
        return cls(state["scales"].shape[1], state["steps"].dtype.str[1:])


class Pairs:
    """A ring of the last pairs of vectors of `size`."""

    def __init__(self, size: int, history: History) -> None:
        """Set up an empty ring; its memory is touched only as pairs arrive."""
        shape = history.pairs, size
        self._steps = np.empty(shape, history.precision)
        self._changes = np.empty(shape, history.precision)
        self._scales = np.ones((2, history.pairs))  # of steps and changes
        self._products = np.zeros(
            (history.pairs, history.pairs)
        )  # SᵀY where R needs it
        self._count = 0  # of all pairs so far
        self._fresh: int | None = None  # slot whose products are not known yet

    def __len__(self) -> int:
        return min(self._count, len(self._steps))

    def clear(self) -> None:
        """Forget all pairs."""
        self._count = 0
        self._fresh = None

    def add(self, step: Array, change: Array) -> float:
        """Remember a pair in place of the oldest, if its curvature is good.

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
        """H g, where `initial` multiplies by H₀ and may keep what it returns."""
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
        remainder = _plus(gradient, -of_changes * along[back], changes)
        product = initial(remainder)
        curved = (of_changes * _dots(changes, product)[0])[order]
        weights = np.linalg.solve(triangle.T, np.diag(triangle) * along - curved)
        return _plus(product, of_steps * weights[back], steps)

    def _along_steps(self, gradient: Array) -> Small:
        """Sᵀ g, unscaled; the products of the newest change on the same way."""
        held = len(self)
        if self._fresh is None:
            (slopes,) = _dots(self._steps[:held], gradient)
            return slopes
        slot, self._fresh = self._fresh, None
        change = self._changes[slot].astype(np.float32, copy=False)
        newest, slopes = _dots(self._steps[:held], change, gradient)
        both = self._scales[0, :held] * self._scales[1, slot]
        self._products[:held, slot] = both * newest
        return slopes

    def state(self) -> dict[str, Any]:
        """All that `restore` needs; the arrays are views of the ring."""
        held = len(self)
        return {
            "pairs": self._count,
            "steps": self._steps[:held],
            "changes": self._changes[:held],
            "scales": self._scales,
            "products": self._products,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of a ring of the same size and history."""
        self._count = int(state["pairs"])
        self._steps[: len(self)] = state["steps"]
        self._changes[: len(self)] = state["changes"]
        self._scales[:] = state["scales"]
        self._products[:] = state["products"]


def dot(left: Array, right: Array) -> float:
    """Inner product of two long vectors."""
    return float(_dots(left[None], right)[0][0])


def _dots(rows: NDArray[Any], *vectors: Array) -> list[Small]:
    """Inner product of each of the vectors with each row."""
    total = [np.zeros(len(rows)) for _ in vectors]
    for part, tiles in _tiles(rows):
        for index, vector in enumerate(vectors):
            products = tiles @ vector[part].reshape(-1, tiles.shape[-1], 1)
            total[index] += products[..., 0].sum(axis=0, dtype=np.float64)
    return total


def _plus(vector: Array, weights: Small, rows: NDArray[Any]) -> Array:
    """`vector` plus the sum of the rows times their weights."""
    result = np.empty_like(vector)
    single = weights.astype(np.float32)[None]
    for part, tiles in _tiles(rows):
        np.add(vector[part], (single @ tiles).ravel(), out=result[part])
    return result


def _tiles(rows: NDArray[Any]) -> Iterator[tuple[slice, Array]]:
    """Cut rows into stacks of narrow float32 matrices (tiles, rows, width)."""
    count, size = rows.shape
    width = 1 << max(3, min(12, (_TILE // count).bit_length() - 1))  # divides _BLOCK
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        whole = end - (end - begin) % width
        for part in (slice(begin, whole), slice(whole, end)):
            if columns := part.stop - part.start:
                block = rows[:, part].astype(np.float32, copy=False)
                across = min(width, columns)
                yield part, block.reshape(count, -1, across).swapaxes(0, 1)
