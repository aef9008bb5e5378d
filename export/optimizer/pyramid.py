"""The preconditioner as nodes of a graph: the levels of a pyramid.

It is the map A of ``lightstyle/optimize/preconditioner.py``, whose text says what it is
for. Which of the levels count depends on the size of the picture, so a graph for any
size has all that could, with a gain of 0 for those that are too small.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from .. import ops
from ..graph import Graph, Shape, Tensor
from .values import Value

#: Weight of a level relative to the next finer one.
GAIN: Final = math.sqrt(0.5)

#: Least length of the coarsest level's shorter side.
COARSEST_SIDE: Final = 8

#: Halvings of the picture: enough for a shorter side of 8,192 pixels. A larger picture
#: is preconditioned by these alone.
HALVINGS: Final = 10


@dataclass(frozen=True, eq=False)
class PyramidMap:
    """The linear map A from levels to a picture, of the size of `image`.

    Attributes:
        image: (1, 3, H, W).
    """

    image: Value

    def levels(self, picture: Value) -> list[Value]:
        """Return Aᵀ v without the gains: a picture, halved again and again."""
        found = [picture]
        for number in range(HALVINGS):
            found.append(self._halved(found[-1], number))
        return found

    def product(self, picture: Value) -> Value:
        """Return A Aᵀ v."""
        *finer, coarsest = self.levels(picture)
        total = coarsest * self._squared_gains[-1]
        for number in reversed(range(HALVINGS)):
            total = self._doubled(total, number) + self._weighed(finer[number], number)
        return total

    def squares(self, picture: Value) -> Value:
        """Return ‖Aᵀ v‖²."""
        levels = [*enumerate(self.levels(picture))]
        total = levels[0][1].dot(levels[0][1])
        for number, level in levels[1:]:
            total += self._weighed(level.dot(level), number)
        return total

    def _weighed(self, value: Value, number: int) -> Value:
        return value * self._squared_gains[number - 1] if number else value

    @property
    def _graph(self) -> Graph:
        return self.image.graph

    @cached_property
    def _sizes(self) -> list[Tensor]:
        """Heights and widths, int64, of all levels."""
        graph = self._graph
        shape = graph.add("Shape", [self.image.tensor], (2,), np.int64, start=2)
        sizes = [shape]
        one, two = (graph.constant(np.array([number])) for number in (1, 2))
        for _ in range(HALVINGS):
            larger = graph.add("Add", [sizes[-1], one], (2,), np.int64)
            sizes.append(graph.add("Div", [larger, two], (2,), np.int64))
        return sizes

    @cached_property
    def _odd(self) -> list[Tensor]:
        """Rows and columns, 0 or 1, that each level lacks to be twice the next."""
        graph, two = self._graph, self._graph.constant(np.array([2]))
        return [
            graph.add("Mod", [size, two], (2,), np.int64) for size in self._sizes[:-1]
        ]

    @cached_property
    def _squared_gains(self) -> list[Value]:
        """Squares of the gains of all levels but the finest."""
        graph, gains = self._graph, []
        for number, size in enumerate(self._sizes[1:], start=1):
            sides = ops.cast(graph, size)
            least = graph.add("ReduceMin", [sides], (1,), axes=[0], keepdims=1)
            large = self.image.wrap(least) > COARSEST_SIDE - 0.5
            gains.append(large * GAIN ** (2 * number))
        return gains

    def _halved(self, fine: Value, number: int) -> Value:
        """Apply the adjoint of `_doubled` to a picture of the size of level `number`.

        A picture of odd size gets a line of zeros first, which `_doubled` cuts off.
        """
        graph, coarse = self._graph, _shape(number + 1)
        pads = ops.concat(graph, [graph.constant([0] * 6), self._odd[number]], 0, 8)
        even: Shape = (1, 3, *(f"2*{side}" for side in coarse[2:]))
        padded = graph.add("Pad", [fine.tensor, pads], even)
        around = graph.constant([0, 0, 1, 1, 0, 0, 1, 1], "pyramid/around")
        wider: Shape = (1, 3, *(f"{side}+2" for side in even[2:]))
        padded = graph.add("Pad", [padded, around], wider, mode="edge")
        taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
        kernel = graph.constant(np.tile(taps, (3, 1, 1, 1)), "pyramid/kernel")
        sums = graph.add("Conv", [padded, kernel], coarse, strides=[2, 2], group=3)
        return fine.wrap(sums)

    def _doubled(self, coarse: Value, number: int) -> Value:
        """Enlarge a picture bilinearly to the size of level `number`."""
        graph, fine = self._graph, _shape(number)
        region = graph.constant(np.zeros(0), "pyramid/region", np.float32)  # unused
        scales = graph.constant([1.0, 1.0, 2.0, 2.0], "pyramid/scales", np.float32)
        twice = graph.add(
            "Resize",
            [coarse.tensor, region, scales],
            (1, 3, *(f"2*{side}" for side in coarse.tensor.shape[2:])),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        start, axes = graph.constant([0, 0]), graph.constant([2, 3])
        inputs = [twice, start, self._sizes[number], axes]
        return coarse.wrap(graph.add("Slice", inputs, fine))


def _shape(number: int) -> Shape:
    """Return the shape of level `number`."""
    return (1, 3, "H", "W") if number == 0 else (1, 3, f"H_{number}", f"W_{number}")
