"""The history of L-BFGS as nodes of a graph.

It is that of ``lightstyle/optimize/curvature.py`` (Byrd, Nocedal and Schnabel 1994,
theorem 2.2), kept in a form in which nothing is solved and no order is needed:

* Pairs are scaled to sᵀy = 1, so that the diagonal of R, the triangle of SᵀY, is 1.
* R⁻¹ is kept instead of R. A new pair adds a column to it, −R⁻¹Sᵀy over 1. The oldest
  pair leaves by zeros in its row, because R is a triangle: its column has nothing else.
  To forget all is to multiply R⁻¹ by 0.
* Rows of a picture are kept beside the pairs, (3, H, M, W), so that products with all
  pairs are 3 · H small products of matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from .. import ops
from ..graph import Tensor
from .values import Value, where

#: A pair counts if the cosine between step and change is at least this.
LEAST_COSINE: Final = 1e-6

#: Most slots of a history.
SLOTS: Final = 128


@dataclass(frozen=True, eq=False)
class History:
    """Pairs of step and change.

    There is one slot more than pairs, for those that are refused.

    Attributes:
        steps: (3, H, M, W), one step for each slot.
        changes: (3, H, M, W), changes of the gradient along them.
        inverse: (M, M), R⁻¹ with a row and a column for each slot; zeros are pairs
            that do not count.
        count: Number of pairs since all was forgotten.
    """

    steps: Value
    changes: Value
    inverse: Value
    count: Value

    def added(
        self,
        step: Value,
        change: Value,
        curvature: Value,
        good: Value,
        *,
        rewrite: bool,
    ) -> "History":
        """Return the history with a pair in place of the oldest, if it is good.

        Args:
            step: (1, 3, H, W).
            change: (1, 3, H, W).
            curvature: Their inner product.
            good: Whether the pair counts.
            rewrite: Whether all pairs are written anew. Otherwise the slot alone is,
                where the run time is given the same memory for the old and new pairs.
        """
        slots, last = self._slots, self._last
        turn = self.count - last * ((self.count + 0.5) / last).mapped("Floor")
        slot = where(good, turn, last)
        scale = good / curvature.greatest(1e-30).sqrt()
        rows = [step * scale, change * scale]
        here = slots.compared("Equal", slot)
        if rewrite:
            steps, changes = self._rewritten(rows, here)
        else:
            steps, changes = self._scattered(rows, slot)
        here *= good
        rest = self.inverse * (1 - here)
        column = here - rest.matmul(_products(steps, rows[1]))
        inverse = rest + column * _transposed(here)
        return History(steps, changes, inverse, self.count + good)

    def forgotten(self, forget: Value) -> "History":
        """Return the history without pairs if the truth value holds."""
        keep = 1 - forget
        return History(self.steps, self.changes, self.inverse * keep, self.count * keep)

    def inverse_hessian(
        self, gradient: Value, initial: Callable[[Value], Value]
    ) -> Value:
        """Return H g: H₀ q + S R⁻ᵀ (p − Yᵀ H₀ q), p = R⁻¹ Sᵀ g, q = g − Y p.

        Args:
            gradient: The picture g.
            initial: Multiplies a picture by H₀.
        """
        along = self.inverse.matmul(_products(self.steps, gradient))
        product = initial(gradient - _combined(self.changes, _transposed(along)))
        curved = _products(self.changes, product)
        weights = _transposed(along - curved).matmul(self.inverse)
        return product + _combined(self.steps, weights)

    @property
    def _slots(self) -> Value:
        """The numbers of the slots from 0, (M, 1)."""
        graph, inverse = self.inverse.graph, self.inverse.tensor
        numbers = graph.constant(np.arange(float(SLOTS))[:, None], "history/slots")
        zero = graph.constant(np.array([0]))
        inputs = [numbers, zero, self._size, zero]
        return self.inverse.wrap(graph.add("Slice", inputs, (inverse.shape[0], 1)))

    @property
    def _last(self) -> Value:
        """The number of the slot for refused pairs, which is that of pairs."""
        return self.inverse.wrap(ops.cast(self.inverse.graph, self._size)) - 1.0

    @cached_property
    def _size(self) -> Tensor:
        inverse = self.inverse
        return inverse.graph.add(
            "Shape", [inverse.tensor], (1,), np.int64, start=0, end=1
        )

    def _rewritten(self, rows: list[Value], here: Value) -> tuple[Value, Value]:
        steps, changes = (
            where(here, row.with_axis_moved(0, 2), old)
            for row, old in zip(rows, (self.steps, self.changes), strict=True)
        )
        return steps, changes

    def _scattered(self, rows: list[Value], slot: Value) -> tuple[Value, Value]:
        """Write rows into a slot: one index (channel, line, slot) for each line."""
        graph, old = self.steps.graph, self.steps.tensor
        size = graph.add("Shape", [old], (2,), np.int64, start=0, end=2)
        zeros = graph.add("ConstantOfShape", [size], (3, "H"), np.float32)
        all_lines = graph.add("Equal", [zeros, zeros], (3, "H"), np.bool_)
        lines = graph.add("NonZero", [all_lines], (2, "3*H"), np.int64)
        lines = graph.add("Transpose", [lines], ("3*H", 2), np.int64, perm=[1, 0])
        pads = graph.constant([0, 0, 0, 1])
        lines = graph.add("Pad", [lines, pads], ("3*H", 3), np.int64)
        number = graph.add("Cast", [slot.tensor], (1,), np.int64, to=np.dtype(np.int64))
        into = graph.add(
            "Mul", [number, graph.constant(np.array([[0, 0, 1]]))], (1, 3), np.int64
        )
        index = graph.add("Add", [lines, into], ("3*H", 3), np.int64)
        steps, changes = (
            self._written(value.tensor, index, row)
            for value, row in zip((self.steps, self.changes), rows, strict=True)
        )
        return steps, changes

    def _written(self, old: Tensor, index: Tensor, row: Value) -> Value:
        graph = row.graph
        width = graph.add("Shape", [row.tensor], (1,), np.int64, start=3)
        target = ops.concat(graph, [graph.constant(np.array([-1])), width], 0, 2)
        lines = ops.reshape(graph, row.tensor, target, ("3*H", "W"))
        return row.wrap(graph.add("ScatterND", [old, index, lines], old.shape))


def _products(pairs: Value, picture: Value) -> Value:
    """Return the inner product of each slot with a picture, (M, 1)."""
    products = pairs.matmul(picture.with_axis_moved(0, 3))
    return pairs.wrap(ops.reduce_sum(pairs.graph, products.tensor, (0, 1)))


def _combined(pairs: Value, weights: Value) -> Value:
    """Return the sum of the slots times weights (1, M), a picture."""
    return weights.matmul(pairs).with_axis_moved(2, 0)


def _transposed(small: Value) -> Value:
    """Turn a column (M, 1) into a row (1, M).

    A reshape costs nothing. ONNX Runtime fuses a transposition into the product that
    follows, which took up to 1.5 times as long on the CPU.
    """
    return small.reshaped([1, -1], (1, small.tensor.shape[0]))
