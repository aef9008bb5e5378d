"""Reads the kinds of Netpbm pictures that Pillow does not, or only 8 bits of.

These are PPM and PGM of more than 8 bits, PAM, and PFM in colour.
"""

import math
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from . import decoding_memory
from .pillow_guard import refuse_oversize

Samples = NDArray[np.generic]

_HEADER_BYTES: Final = 4096
_SPACE: Final = rb"(?:\s|#[^\n]*\n)+"
_NUMBERS: Final = re.compile(
    rb"P([2356])" + (_SPACE + rb"(\d{1,9})") * 3 + rb"(?:#[^\n]*)?\s"
)
_FLOATS: Final = re.compile(rb"PF\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,30})\s")
_PAM: Final = re.compile(rb"P7\n(.*?)\nENDHDR\n", re.DOTALL)
_CHANNELS: Final = {b"2": 1, b"5": 1, b"3": 3, b"6": 3}
_PLAIN: Final = (b"2", b"3")


def read(data: bytes, name: str) -> Samples | None:
    """Read a file of one of these kinds.

    Args:
        data: The whole file, of unknown origin.
        name: What an error message calls it.

    Returns:
        (H, W, 1, 2, 3 or 4), uint8, uint16 or float32, over the whole range, the last
        of an even number being alpha; None if it is of another kind.

    Raises:
        ImageError: If it is damaged or oversized.
    """
    head = data[:_HEADER_BYTES]
    try:
        if found := _FLOATS.match(head):
            return _floats(data, name, found)
        if found := _PAM.match(head):
            return _pam(data, name, found)
        if (found := _NUMBERS.match(head)) and int(found[4]) > 255:
            channels, plain = _CHANNELS[found[1]], found[1] in _PLAIN
            width, height, highest = map(int, found.groups()[1:])
            shape = height, width, channels
            return _whole(data[found.end() :], name, shape, highest, plain=plain)
    except (ValueError, OverflowError) as error:
        raise ImageError(
            f"{name}: cannot be decoded: {error}; the file may be damaged"
        ) from error
    return None


def _floats(data: bytes, name: str, found: re.Match[bytes]) -> Samples:
    width, height, scale = int(found[1]), int(found[2]), float(found[3])
    refuse_oversize(width * height, name)
    decoding_memory.admit_samples(width * height, 3, 4, name)
    if not scale or not math.isfinite(scale):
        raise ValueError("its scale is no number")
    kind = "<f4" if scale < 0 else ">f4"
    values = np.frombuffer(data, kind, _count(width, height, 3), found.end())
    return values.reshape(height, width, 3)[::-1].astype(np.float32)  # from the bottom


def _pam(data: bytes, name: str, found: re.Match[bytes]) -> Samples:
    lines = (line.split(None, 1) for line in found[1].splitlines())
    fields = {line[0]: line[1] for line in lines if len(line) == 2}
    try:
        sides = (b"HEIGHT", b"WIDTH", b"DEPTH")
        height, width, channels = (int(fields[side]) for side in sides)
        highest = int(fields[b"MAXVAL"])
    except KeyError as error:
        raise ValueError(f"it has no {error.args[0].decode()}") from error
    if not 1 <= channels <= 4:
        raise ImageError(
            f"{name}: a PAM of {channels} channels is not read; save it as PNG first"
        )
    return _whole(data[found.end() :], name, (height, width, channels), highest)


def _whole(
    data: bytes,
    name: str,
    shape: tuple[int, int, int],
    highest: int,
    *,
    plain: bool = False,
) -> Samples:
    """Read whole numbers from 0 to `highest`, as text if `plain`."""
    refuse_oversize(shape[0] * shape[1], name)
    decoding_memory.admit_samples(shape[0] * shape[1], shape[2], 4, name)
    if not 1 <= highest <= 65535:
        raise ValueError(f"its highest value is {highest}")
    count = _count(*shape)
    if plain:
        words = re.sub(rb"#[^\n]*", b"", data).split(None, count)[:count]
        values = np.array(words, np.uint32)
    else:
        values = np.frombuffer(data, ">u2" if highest > 255 else "u1", count)
    if len(values) < count:
        raise ValueError("its pixels are cut off")
    kind, full = (np.uint16, 65535) if highest > 255 else (np.uint8, 255)
    if highest != full:
        values = np.minimum(values.astype(np.uint32), highest)
        values = (values * full + highest // 2) // highest
    return values.reshape(shape).astype(kind)


def _count(*sides: int) -> int:
    if 0 in sides:
        raise ValueError("it has no pixels")
    return math.prod(sides)
