"""Arithmetic on tensors of a graph, written as on arrays.

The loss and its gradient are built with the functions of `ops`. The optimiser is a page
of formulas over pictures and scalars, which are read more easily as formulas. A scalar
is a vector of one element, because every operator takes that on every provider; a truth
value is 1.0 or 0.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np

from .. import ops
from ..graph import Dim, Graph, Tensor

#: Stands for 0 in a divisor.
TINY: Final = 1e-30


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor with the operators of arithmetic, all elementwise and broadcast."""

    graph: Graph
    tensor: Tensor

    def __add__(self, other: "Operand") -> Self:
        return self.with_other("Add", other)

    def __sub__(self, other: "Operand") -> Self:
        return self.with_other("Sub", other)

    def __rsub__(self, other: float) -> Self:
        return self.of(other) - self

    def __mul__(self, other: "Operand") -> Self:
        return self.with_other("Mul", other)

    def __truediv__(self, other: "Operand") -> Self:
        return self.with_other("Div", other)

    def __rtruediv__(self, other: float) -> Self:
        return self.of(other) / self

    def __neg__(self) -> Self:
        return self.mapped("Neg")

    def __gt__(self, other: "Operand") -> Self:
        return self.compared("Greater", other)

    def __lt__(self, other: "Operand") -> Self:
        return self.compared("Less", other)

    def __ge__(self, other: "Operand") -> Self:
        return self.compared("GreaterOrEqual", other)

    def __le__(self, other: "Operand") -> Self:
        return self.compared("LessOrEqual", other)

    def greatest(self, other: "Operand") -> Self:
        """Return the greater of the two; of truth values, whether either holds."""
        return self.with_other("Max", other)

    def sqrt(self) -> Self:
        """Return the square root."""
        return self.mapped("Sqrt")

    def clipped(self, low: float, high: float) -> Self:
        """Return the values within bounds."""
        bounds = [
            self.graph.constant(bound, f"bound/{bound}")
            for bound in (float(low), float(high))
        ]
        return self._add("Clip", [self.tensor, *bounds], self.tensor.shape)

    def sum(self) -> Self:
        """Return the sum of all elements.

        Pictures are summed row by row first, which is more accurate in float32 and can
        be done in parallel.
        """
        rank, tensor = len(self.tensor.shape), self.tensor
        if rank > 1:
            tensor = ops.reduce_sum(self.graph, tensor, [rank - 1])
            tensor = ops.reshape(self.graph, tensor, [-1], ("rows",))
        return self.wrap(ops.reduce_sum(self.graph, tensor, [0], keepdims=True))

    def dot(self, other: Self) -> Self:
        """Return the inner product of two pictures."""
        return (self * other).sum()

    def matmul(self, other: Self) -> Self:
        """Return the product of matrices, or of stacks of them."""
        return self.wrap(ops.matmul(self.graph, self.tensor, other.tensor))

    def element(self, index: int) -> Self:
        """Return an element of a vector."""
        bounds = [self.graph.constant([bound]) for bound in (index, index + 1, 0)]
        return self._add("Slice", [self.tensor, *bounds], [1])

    def reshaped(self, target: Sequence[int], shape: Sequence[Dim]) -> Self:
        """Return the elements in another shape; `target` is as in ONNX."""
        return self.wrap(ops.reshape(self.graph, self.tensor, target, shape))

    def with_axis_moved(self, old: int, new: int) -> Self:
        """Remove the axis `old`, of length 1, and insert one of length 1 at `new`."""
        shape = [*self.tensor.shape]
        del shape[old]
        out, into = (self.graph.constant([axis]) for axis in (old, new))
        squeezed = self._add("Squeeze", [self.tensor, out], shape)
        shape.insert(new, 1)
        return squeezed._add("Unsqueeze", [squeezed.tensor, into], shape)

    def of(self, number: "Operand") -> Self:
        """Return a number as a scalar of this graph."""
        if isinstance(number, Value):
            return self.wrap(number.tensor)
        name = f"number/{number!r}"
        return self.wrap(self.graph.constant([float(number)], name))

    def wrap(self, tensor: Tensor) -> Self:
        """Return a tensor of this graph as a value."""
        return type(self)(self.graph, tensor)

    def mapped(self, op: str) -> Self:
        """Apply an operator of one input that keeps the shape."""
        return self._add(op, [self.tensor], self.tensor.shape)

    def with_other(self, op: str, other: "Operand") -> Self:
        """Apply an elementwise operator to this and another value."""
        right = self.of(other).tensor
        shape = ops.broadcast(self.tensor.shape, right.shape)
        return self._add(op, [self.tensor, right], shape)

    def compared(self, op: str, other: "Operand") -> Self:
        """Return 1.0 where the comparison holds, 0.0 elsewhere."""
        return self.wrap(ops.mask(self.graph, op, self.tensor, self.of(other).tensor))

    def _add(
        self, op: str, inputs: list[Tensor], shape: Sequence[Dim], **attributes: Any
    ) -> Self:
        return self.wrap(self.graph.add(op, inputs, shape, **attributes))


Operand: TypeAlias = Value | float


def where(condition: Value, then: Operand, otherwise: Operand) -> Value:
    """Return `then` where the truth value holds, `otherwise` elsewhere."""
    graph = condition.graph
    half = condition.of(0.5).tensor
    shape = condition.tensor.shape
    truth = graph.add("Greater", [condition.tensor, half], shape, np.bool_)
    chosen = [condition.of(each).tensor for each in (then, otherwise)]
    for tensor in chosen:
        shape = ops.broadcast(shape, tensor.shape)
    return condition.wrap(graph.add("Where", [truth, *chosen], shape))


def joined(scalars: Sequence[Value]) -> Value:
    """Return scalars as one vector."""
    first, tensors = scalars[0], [each.tensor for each in scalars]
    return first.wrap(ops.concat(first.graph, tensors, 0, len(tensors)))


def count(picture: Value) -> Value:
    """Return the number of values of a picture."""
    graph, tensor = picture.graph, picture.tensor
    shape = graph.add("Shape", [tensor], (4,), np.int64)
    sides = ops.cast(graph, shape)
    return picture.wrap(graph.add("ReduceProd", [sides], (1,), axes=[0], keepdims=1))


def root_mean_square(picture: Value, values: Value) -> Value:
    """Return the root of the mean square, also where float32 cannot hold a square."""
    sizes = picture.mapped("Abs")
    most = sizes.graph.add("ReduceMax", [sizes.tensor], (1, 1, 1, 1), keepdims=1)
    scale = sizes.wrap(most).reshaped([1], (1,)).greatest(TINY)
    relative = picture / scale
    return scale * (relative.dot(relative) / values).sqrt()
