"""Cuts a picture into bands, each of which is evaluated by itself.

A band has lines of its own and a margin of its neighbours' on either side. Both sweeps
run over all of them, so a band needs nothing of its neighbours but pixels: what is
wrong at the edge of the margin, where a convolution sees zeros in place of a picture,
does not reach what the band gives, the sums over its own positions and the whole
gradient of its own lines.

Bands start on multiples of `UNIT` lines, so that their positions in every block, and
the tiles of their Winograd convolutions, are those of the whole picture.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from .. import contract
from ..arrays import FloatArray, Size
from .strips import TILE, long_axis

#: Lines of a tile in the deepest block.
UNIT: Final = TILE << (contract.block(contract.LAYERS[-1]) - 1)


@dataclass(frozen=True)
class Reach:
    """How far the edge of a picture is felt in each block, in lines of its input.

    Attributes:
        convolutions: Lines that the convolutions of a block spoil, by block.
        before: Lines of the input that those of the blocks before have spoiled. The
            gradient is needed as many lines around a band's own.
    """

    convolutions: Mapping[int, int]
    before: Mapping[int, int]

    @classmethod
    def of(cls, layers: Iterable[str]) -> Self:
        """Return the reach of a network whose losses are at `layers`."""
        convolutions: dict[int, int] = {}
        for layer in contract.needed_layers(layers):
            number = contract.block(layer)
            convolutions[number] = convolutions.get(number, 0) + 1
        before = {1: 0}
        for number, count in convolutions.items():
            before[number + 1] = -(-(before[number] + count) // 2)
        return cls(convolutions, before)

    @property
    def margin(self) -> int:
        """Lines of the picture that a band needs on either side, a multiple of UNIT.

        Backward, a block computes the gradient of `before` lines around the band's own.
        That takes seeds and activations as far away as its convolutions reach, and an
        input that is right as far again. As many lines are wrong at its edge.
        """
        needed = (
            (2 * self.before[number] + 2 * count) << (number - 1)
            for number, count in self.convolutions.items()
        )
        return -(-max(needed) // UNIT) * UNIT


@dataclass(frozen=True)
class Band:
    """A band of a picture; lines are counted from the start of the whole.

    Attributes:
        axis: The axis of (1, C, H, W) along which the picture is cut.
        length: Lines of the picture.
        first: First of the band's own lines.
        last: The line after them.
        start: First line that it is computed from.
        stop: The line after them.
        reach: Of the network; None if the band is the whole picture.
    """

    axis: int
    length: int
    first: int
    last: int
    start: int
    stop: int
    reach: Reach | None = None

    @classmethod
    def whole(cls, image: FloatArray) -> Self:
        """Return the only band of a picture, (1, C, H, W)."""
        axis = long_axis(image)
        length = image.shape[axis]
        return cls(axis, length, 0, length, 0, length)

    def lines(self, number: int) -> slice:
        """Return the lines of the input of block `number` that it is computed from."""
        return slice(self.start >> (number - 1), self.stop >> (number - 1))

    def own(self, number: int) -> slice:
        """Return its own lines of the input of block `number`, from 0 in `lines`."""
        return self._around(number, 0)

    def wanted(self, number: int) -> slice:
        """Return the lines whose gradient is wanted, from 0 in `lines`."""
        return self._around(number, self.reach.before[number] if self.reach else 0)

    def needed(self, number: int, sides: int) -> slice:
        """Return the lines that the gradient is computed from, from 0 in `lines`.

        Args:
            number: Of the block, from 1.
            sides: As `Tiling.sides`.
        """
        if self.reach is None:
            return self.own(number)
        more = self.reach.before[number] + sides * self.reach.convolutions[number]
        found = self._around(number, more)
        lines = self.lines(number)
        # Multiples of a tile, but for the end of the picture.
        stop = min(found.stop + -found.stop % TILE, lines.stop - lines.start)
        return slice(found.start // TILE * TILE, stop)

    def _around(self, number: int, more: int) -> slice:
        """Return the own lines and `more` on either side, where there are any."""
        lines, smaller = self.lines(number), number - 1
        first, last = self.first >> smaller, self.last >> smaller
        start, stop = max(first - more, lines.start), min(last + more, lines.stop)
        return slice(start - lines.start, stop - lines.start)


def most_bands(size: Size, reach: Reach) -> int:
    """Return the most bands of which each has at least as many own lines as margin."""
    return max(1, max(size) // reach.margin)


def bands(size: Size, count: int, reach: Reach) -> list[Band]:
    """Cut a picture into bands that take about as long as each other.

    The first and the last have a margin on one side only, and more lines of their own
    for it.

    Args:
        size: Width and height of the picture.
        count: Number of bands; fewer are made of a picture of fewer units.
        reach: Of the network.
    """
    length, margin = max(size), reach.margin
    axis = 2 if size[1] >= size[0] else 3
    count = min(count, max(1, length // UNIT))
    more = min(margin // 2, length // (4 * count))
    each = (length + 2 * (count - 1) * more) / count
    cuts = [0]
    for number in range(1, count):
        cut = round((number * each - (2 * number - 1) * more) / UNIT) * UNIT
        cuts.append(max(cut, cuts[-1] + UNIT))
    cuts.append(length)
    return [
        Band(
            axis,
            length,
            first,
            last,
            max(0, first - margin),
            min(length, last + margin) if last < length else length,
            reach,
        )
        for first, last in pairwise(cuts)
    ]
