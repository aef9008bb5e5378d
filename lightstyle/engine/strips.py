"""Cuts a picture into overlapping strips.

Each strip is computed with `halo` lines of its neighbours on either side, whose results
are discarded; the other lines are its own. The strips of a cut share a session, so all
have the same height, but for up to three lines of the last. The first and the last have
more lines of their own, because they need no halo at the picture's border.

Strips start on multiples of `TILE`, like the tiles of a Winograd convolution of the
whole picture, so that rounding, and what ReLUs and poolings make of it, are the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np

from .. import contract
from ..arrays import FloatArray

#: Lines of a Winograd tile, and of two poolings' windows.
TILE: Final = 4


#: Lines at the edge of a strip that a block's convolutions spoil, one each.
REACH: Final = {1: 2, 2: 2, 3: 4, 4: 4, 5: 4}


@dataclass(frozen=True)
class Strip:
    """A strip: lines `start` to `stop` are computed, `first` to `last` are its own."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True)
class Tiling:
    """How the input of each block is cut into strips.

    Attributes:
        forward: Lines of a strip in the forward sweep, halos included, by block.
        backward: The same for the backward sweep.
        keeps: Whether the backward sweep finds the activations that the forward sweep
            has computed, or computes them again. Bands are computed so; a process that
            has that much memory computes the whole picture, which is as fast.
        bands: Number of bands, each on another machine and cut into such strips; 0 if
            the picture is computed in this process.
    """

    forward: Mapping[int, int]
    backward: Mapping[int, int]
    keeps: bool = field(default=False, kw_only=True)
    bands: int = field(default=0, kw_only=True)

    @property
    def lines(self) -> int:
        """Lines of the picture in the first block's strips."""
        return self.forward[1]

    @property
    def way_forth(self) -> str:
        """The forward sweep, of `contract.SWEEPS`."""
        return contract.KEEPING if self.keeps else contract.FORWARD

    @property
    def way_back(self) -> str:
        """The backward sweep, of `contract.SWEEPS`."""
        return contract.KEPT if self.keeps else contract.BACKWARD

    @property
    def sides(self) -> int:
        """How many times `REACH` the halo of the backward sweep has.

        The gradient needs activations as far away as it reaches itself. Where a strip
        computes them anew, its edge spoils as many again.
        """
        return 1 if self.keeps else 2

    def within(self, other: Self) -> bool:
        """Return whether this takes no more memory than `other`."""
        return self.keeps <= other.keeps and all(
            self.forward[n] <= other.forward[n]
            and self.backward[n] <= other.backward[n]
            for n in self.forward
        )


def tiled_height(length: int, most: int, halo: int) -> int:
    """Return the height of the fewest equal strips that cover `length` lines.

    Args:
        length: Lines of the picture.
        most: Greatest height of a strip, at least 2 halo + `TILE`.
        halo: Discarded lines on either side, an even number.
    """
    if length <= most:
        return length + -length % TILE
    count = -(-(length - 2 * halo) // (most // TILE * TILE - 2 * halo))
    own = -(-(length - 2 * halo) // count)
    return 2 * halo + own + -own % TILE


def cut(length: int, height: int, halo: int) -> Iterator[Strip]:
    """Cut `length` lines into strips that start and end on multiples of `TILE`.

    Only the end of the last strip need not be a multiple.

    Args:
        length: Lines of the picture.
        height: Lines of a strip, halo included: a multiple of `TILE`, at least
            2 halo + `TILE`.
        halo: Discarded lines on either side, an even number.
    """
    if length < height + TILE:
        yield Strip(0, length, 0, length)
        return
    end = (length - height) // TILE * TILE  # where the last strip starts
    first = 0
    for start in range(0, end, height - 2 * halo):
        last = start + height - halo
        yield Strip(start, start + height, first, last)
        first = last
    yield Strip(end, length, first, length)


def computed_lines(length: int, height: int, halo: int) -> int:
    """Return how many lines all strips of a `cut` have, without making them."""
    if length < height + TILE:
        return length
    end = (length - height) // TILE * TILE
    return -(-end // (height - 2 * halo)) * height + length - end


def long_axis(x: FloatArray) -> int:
    """Return the axis of (1, C, H, W) along which it is cut, the longer side."""
    return 2 if x.shape[2] >= x.shape[3] else 3


def at(x: FloatArray, axis: int, lines: slice) -> FloatArray:
    """Return a view of the lines of `x` along `axis`."""
    return x[:, :, lines] if axis == 2 else x[:, :, :, lines]


def copied(x: FloatArray, axis: int, lines: slice) -> FloatArray:
    """Return a copy of the lines of `x` along `axis`."""
    return at(x, axis, lines).copy()


def empty_whole(part: FloatArray, size: Sequence[int]) -> FloatArray:
    """Return an empty array for a whole of `size` (H, W) with strips like `part`."""
    return np.empty((1, part.shape[1], *size), part.dtype)


def place(
    whole: FloatArray, part: FloatArray, axis: int, strip: Strip, scale: int = 1
) -> None:
    """Copy the strip's own lines from `part` to `whole`, both `scale` times smaller."""
    own = slice(*((n - strip.start) // scale for n in (strip.first, strip.last)))
    there = slice(strip.first // scale, strip.last // scale)
    at(whole, axis, there)[...] = at(part, axis, own)
