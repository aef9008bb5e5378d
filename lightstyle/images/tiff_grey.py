"""Says what the samples of a grey TIFF of more than 8 bits mean, where Pillow does not.

Pillow takes 0 for black, refuses some files that say it is white, does not stretch 12
bits to 16, takes what libtiff unpacks for the file's order of bytes, and takes 32 bits
without a sign for 32 with one.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import tiff_directory
from .tiff_directory import Directory

_BITS, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT = 258, 262, 277, 339
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1

#: Pillow's names of big-endian samples, and of those in the order of the machine.
_NATIVE: Final = {"F;32BF": "F;32NF", "I;16BS": "I;16NS", "I;32BS": "I;32NS"}


@dataclass(frozen=True)
class GreyScale:
    """How to read the samples of a TIFF.

    Attributes:
        bits: Bits per sample.
        is_inverted: Whether 0 is white.
        is_unsigned: Whether they are whole numbers without a sign.
        at: Offset in the file of what says so.
        form: How `struct` reads it.
    """

    bits: int
    is_inverted: bool
    is_unsigned: bool
    at: int
    form: str

    def of_32_bits(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return samples that fill 32 bits as floats from 0 to 1; others as they are.

        What is at most 65535 is taken for 16 bits in 32, where 0 is black.
        """
        if self.bits != 32 or not self.is_unsigned or values.dtype.kind != "i":
            return values
        numbers = values.view(np.uint32)
        if numbers.max() <= 65535 and not self.is_inverted:
            return values
        return (numbers / np.float64(2**32 - 1)).astype(np.float32)

    def applied(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return samples of which 0 is black and the highest value is white."""
        if values.dtype.kind == "f":
            return (1 - values).astype(np.float32) if self.is_inverted else values
        numbers = values.astype(np.int64)
        if self.bits < 16:
            numbers = numbers * 65535 // ((1 << self.bits) - 1)
        if self.is_inverted:
            numbers = 65535 - numbers
        return numbers.astype(np.uint16)


def find(data: bytes) -> GreyScale | None:
    """Return how to read a grey TIFF of more than 8 bits; None for any other file.

    Args:
        data: The whole file, of unknown origin.
    """
    try:
        directory = tiff_directory.read(data)
        return None if directory is None else _found(directory)
    except struct.error:
        return None


def prepare(image: Any) -> None:
    """Make Pillow unpack an opened TIFF in the order in which libtiff returns it."""
    if image.format == "TIFF" and image.tile and image.tile[0].codec_name == "libtiff":
        tile = image.tile[0]
        raw = _NATIVE.get(tile.args[0], tile.args[0])
        image.tile = [tile._replace(args=(raw, *tile.args[1:]))]


def mended(data: bytes) -> bytes:
    """Return a file that says that 0 is black, whatever it is, so that Pillow reads it.

    `GreyScale.applied` inverts what it reads of the original.
    """
    scale = find(data)
    if scale is None or not scale.is_inverted:
        return data
    value = struct.pack(scale.form, _BLACK_IS_ZERO)
    return data[: scale.at] + value + data[scale.at + len(value) :]


def _found(directory: Directory) -> GreyScale | None:
    bits, kind = directory.number(_BITS, 1), directory.number(_PHOTOMETRIC, -1)
    is_grey = kind in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    if not is_grey or directory.number(_SAMPLES, 1) != 1:
        return None
    if bits <= 8 or (bits == 16 and kind == _BLACK_IS_ZERO):
        return None
    is_unsigned = directory.number(_SAMPLE_FORMAT, 1) == 1
    at, form = directory.places[_PHOTOMETRIC]
    return GreyScale(bits, kind == _WHITE_IS_ZERO, is_unsigned, at, form)
