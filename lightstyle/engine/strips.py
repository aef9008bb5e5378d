"""How a picture is cut into strips that overlap.

Each strip is computed with `halo` lines of its neighbours on both sides, on which
nothing relies; the others are its own. All strips of a cut have the same height but for
up to three lines of the last, so that they share a session: the first and the last have
more lines of their own instead of the halo that the border spares them.

Strips start on multiples of `TILE`, as the tiles of a Winograd convolution of the whole
would: rounding, and what ReLUs and poolings decide by it, is the whole's then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import FloatArray

#: Lines of a tile, and of two poolings' windows.
TILE: Final = 4


@dataclass(frozen=True)
class Strip:
    """Lines `start` to `stop` are computed, `first` to `last` of them count."""

    start: int
    stop: int
    first: int
    last: int


def tiled_height(length: int, most: int, halo: int) -> int:
    """Height of as few strips of no more than `most` lines as will do, all alike.

    Args:
        length: Lines there are.
        most: Lines of a strip, at least 2 halo + `TILE`.
        halo: Lines on either side that are computed for others' sake, even.
    """
    if length <= most:
        return length + -length % TILE
    count = -(-(length - 2 * halo) // (most // TILE * TILE - 2 * halo))
    own = -(-(length - 2 * halo) // count)
    return 2 * halo + own + -own % TILE


def cut(length: int, height: int, halo: int) -> Iterator[Strip]:
    """Cut `length` lines into strips of about `height`, halo included.

    All but the end of the last strip are multiples of `TILE`.

    Args:
        length: Lines there are.
        height: Lines of a strip, a multiple of `TILE`, at least 2 halo + `TILE`.
        halo: Lines on either side that are computed for others' sake, even.
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


def long_axis(x: FloatArray) -> int:
    """Axis of (1, C, H, W) along which pictures are cut: the longer side."""
    return 2 if x.shape[2] >= x.shape[3] else 3


def at(x: FloatArray, axis: int, lines: slice) -> FloatArray:
    """The lines of `x` along `axis`, to read or to write."""
    return x[:, :, lines] if axis == 2 else x[:, :, :, lines]


def copied(x: FloatArray, axis: int, lines: slice) -> FloatArray:
    """A copy of the lines of `x` along `axis`."""
    return at(x, axis, lines).copy()


def empty_whole(part: FloatArray, size: Sequence[int]) -> FloatArray:
    """For the whole, of `size` high and wide, of which `part` is one."""
    return np.empty((1, part.shape[1], *size), part.dtype)


def place(
    whole: FloatArray, part: FloatArray, axis: int, strip: Strip, scale: int = 1
) -> None:
    """Put the lines of `part` that count in place, of a `scale`-th of the size."""
    own = slice(*((n - strip.start) // scale for n in (strip.first, strip.last)))
    there = slice(strip.first // scale, strip.last // scale)
    at(whole, axis, there)[...] = at(part, axis, own)
