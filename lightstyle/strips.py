"""How a picture is cut into strips that overlap.

Each strip is computed with `halo` lines of its neighbours on both sides, on which
nothing relies; the others are its own. All strips of a cut have the same height but for
one line where a border makes it odd, so that they share a session: the first and the
last have more lines of their own instead of the halo that the border spares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Strip:
    """Lines `start` to `stop` are computed, `first` to `last` of them count."""

    start: int
    stop: int
    first: int
    last: int


def even_height(length: int, most: int, halo: int) -> int:
    """Height of as few strips of no more than `most` lines as will do, all alike.

    Args:
        length: Lines there are.
        most: Lines of a strip, at least 2 halo + 2.
        halo: Lines on either side that are computed for others' sake, even.
    """
    if length <= most:
        return length + length % 2
    count = -(-(length - 2 * halo) // (most // 2 * 2 - 2 * halo))
    own = -(-(length - 2 * halo) // count)
    return 2 * halo + own + own % 2


def cut(length: int, height: int, halo: int) -> Iterator[Strip]:
    """Cut `length` lines into strips of about `height`, halo included.

    All but the end of the last strip are even, so that poolings fall into place.

    Args:
        length: Lines there are.
        height: Lines of a strip, even, at least 2 halo + 2.
        halo: Lines on either side that are computed for others' sake, even.
    """
    if length <= height + 1:
        yield Strip(0, length, 0, length)
        return
    end = (length - height) // 2 * 2  # where the last strip starts
    first = 0
    for start in range(0, end, height - 2 * halo):
        last = start + height - halo
        yield Strip(start, start + height, first, last)
        first = last
    yield Strip(end, length, first, length)
