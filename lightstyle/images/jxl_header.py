"""Reads the size and the depth of a JPEG XL from its first bytes.

The package that reads such files decodes them as soon as it opens them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..arrays import Size

CODESTREAM: Final = b"\xff\x0a"
CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"

#: Boxes of the codestream, and of a part of it, which begins with its number.
_WHOLE, _PART = b"jxlc", b"jxlp"
_NUMBER: Final = 4

#: Most bytes of the codestream that are looked at, and most boxes.
_HEAD: Final = 64
_BOXES: Final = 1000

#: Widths by height, by the number that stands for them.
_RATIOS: Final = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

#: Bits of a side less 1, and bits per sample, by the number that stands for them.
_SIDE_BITS: Final = (9, 13, 18, 30)
_DEPTHS: Final = (8, 10, 12)
_FLOAT_DEPTHS: Final = (32, 16, 24)


@dataclass(frozen=True)
class JxlHeader:
    """What the header of a JPEG XL says.

    Attributes:
        size: Width and height, before the picture is turned upright.
        bits: Bits per sample; 0 if that stands behind what is not read here.
    """

    size: Size
    bits: int


def read(data: bytes) -> JxlHeader:
    """Read the header of a JPEG XL.

    Args:
        data: The whole file, of unknown origin.

    Raises:
        ValueError: If it has none.
    """
    head = data[:_HEAD]
    if data.startswith(CONTAINER):
        head = b"".join(_parts(data))[:_HEAD]
    if not head.startswith(CODESTREAM):
        raise ValueError("its header is missing")
    bits = _Bits(head[len(CODESTREAM) :])
    return JxlHeader(_size(bits), _depth(bits))


class _Bits:
    """Reads numbers from bytes, the lowest bit of each first."""

    def __init__(self, data: bytes) -> None:
        self._all, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("its header is cut off")
        found = self._all & ((1 << count) - 1)
        self._all >>= count
        return found


def _parts(data: bytes) -> Iterator[bytes]:
    """Yield the beginnings of the boxes that hold the codestream."""
    at = 0
    for _ in range(_BOXES):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if length == 1:
            if at + 16 > len(data):
                return
            (length,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        end = at + length if length else len(data)
        if kind in (_WHOLE, _PART):
            begin += _NUMBER if kind == _PART else 0
            yield data[begin : min(end, begin + _HEAD)]
        if end < begin:
            return
        at = end


def _size(bits: _Bits) -> Size:
    is_small = bits.take(1)

    def side() -> int:
        if is_small:
            return 8 * (bits.take(5) + 1)
        return bits.take(_SIDE_BITS[bits.take(2)]) + 1

    height = side()
    across, down = _RATIOS[bits.take(3)]
    return height * across // down or side(), height


def _depth(bits: _Bits) -> int:
    """Return the bits per sample, whose field follows the size."""
    if bits.take(1):  # everything is as usual
        return 8
    if bits.take(1):  # further fields
        bits.take(3)  # the orientation
        if bits.take(1):
            _size(bits)  # at which it is to be seen
        if bits.take(1) or bits.take(1):  # a preview, or an animation
            return 0
    depths = _FLOAT_DEPTHS if bits.take(1) else _DEPTHS
    known = dict(enumerate(depths))
    chosen = bits.take(2)
    return known[chosen] if chosen in known else bits.take(6) + 1
