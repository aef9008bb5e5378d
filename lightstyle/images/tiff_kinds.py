"""Reads and names the kinds of TIFF that Pillow does not know.

tifffile reads them: floats of 16 and 64 bits, floats in colour, CMYK with alpha, grey
with alpha at 16 bits, odd numbers of bits. It reads compressions that Python lacks with
imagecodecs, which takes 80 MB on disk, so that one is named where it is needed only.
"""

import importlib.util
import io
import logging
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from ..errors import ImageError
from . import decoding_memory
from .pillow_guard import guarded, refuse_oversize

_BIG, _BIG_BIG = b"II+\0", b"MM\0+"
_STARTS: Final = (b"II*\0", b"MM\0*", _BIG, _BIG_BIG)

_BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 258, 262, 274, 277
_SAMPLE_FORMAT, _PROFILE = 339, 34675

_ADVICE: Final = "save it with 8 or 16 bits, as grey or RGB"

#: Channels of colour by the photometric interpretation, and its name.
_COLORS: Final = {0: (1, "grey"), 1: (1, "grey"), 2: (3, "RGB"), 5: (4, "CMYK")}
_OTHERS: Final = {
    3: "a palette",
    4: "a mask",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "raw data of a camera",
    32844: "LogL",
    32845: "LogLuv",
    34892: "raw data of a camera",
}
_NUMBERS: Final = {
    1: "whole numbers",
    2: "signed numbers",
    3: "floats",
    6: "complex numbers",
}

#: What extra samples may be: alpha, multiplied into the colours or not.
_MULTIPLIED, _ALPHA = 1, 2

#: Most samples of a pixel. More are measurements, not colours.
_MOST_SAMPLES: Final = 16

#: Samples of a pixel of which a picture may have `MAXIMUM_PIXELS`.
_USUAL_SAMPLES: Final = 4


@dataclass(frozen=True)
class TiffSamples:
    """What a TIFF holds.

    Attributes:
        colors: (H, W, 1, 3 or 4) for grey, RGB or CMYK; uint8, uint16 or float32.
        alpha: (H, W), 0…255, if there is any; colours are not multiplied with it.
        profile: ICC profile, if there is one.
        orientation: As EXIF has it.
        left_out: Number of channels that are neither.
    """

    colors: NDArray[np.generic]
    alpha: NDArray[np.float32] | None
    profile: bytes | None
    orientation: int
    left_out: int


def read(data: bytes, name: str) -> TiffSamples | None:
    """Read the first picture of a TIFF that Pillow does not know.

    Args:
        data: The whole file, of unknown origin.
        name: What an error message calls it.

    Returns:
        What it holds; None if it is no TIFF, or too damaged to tell its kind.

    Raises:
        ImageError: If it is damaged, or of a kind that is not read, or tifffile is
            needed and not installed.
    """
    with guarded(name):  # Pillow warns of damage
        kind = _kind(data)
    if kind is None:
        return None
    if importlib.util.find_spec("tifffile") is None:
        raise ImageError(
            f"{name}: a TIFF of {kind} needs the package tifffile: install it, or "
            f"lightstyle's extra formats, or {_ADVICE}"
        )
    import tifffile

    tifffile.logger().addHandler(logging.NullHandler())  # else it prints
    with guarded(name), tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages.first
        pixels, samples = page.imagewidth * page.imagelength, page.samplesperpixel
        refuse_oversize(pixels * max(1, samples // _USUAL_SAMPLES), name)
        size = -(-page.bitspersample // 8)
        decoding_memory.admit_samples(pixels, samples, size, name)
        if not pixels or not _is_read(page):
            raise ImageError(f"{name}: a TIFF of {kind} is not read; {_ADVICE}")
        ends = zip(page.dataoffsets, page.databytecounts, strict=True)
        if len(page.dataoffsets) < math.prod(page.chunked):
            raise ValueError("some of its pixels are missing")
        if any(at <= 0 or at + count > len(data) for at, count in ends):
            raise ValueError("its pixels are cut off")
        try:
            values = page.asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise ImageError(
                f"{name}: a TIFF of {kind}, compressed as {page.compression.name}, "
                "needs the package imagecodecs: install it, or save the picture "
                "without compression"
            ) from error
        return _samples(page, values)


def _kind(data: bytes) -> str | None:
    """Name what a TIFF holds, such as ``64-bit floats, RGB and 1 more``."""
    if data[:4] not in _STARTS:
        return None
    if data[:4] == _BIG_BIG:
        return "64-bit offsets in big-endian order"
    try:
        head = data[: 16 if data[:4] == _BIG else 8]
        fields: Any = TiffImagePlugin.ImageFileDirectory_v2(head)
        file = io.BytesIO(data)
        file.seek(fields.next)
        fields.load(file)
        bits, numbers = fields.get(_BITS, (1,)), fields.get(_SAMPLE_FORMAT, (1,))
        colors, samples = fields[_PHOTOMETRIC], fields.get(_SAMPLES, 1)
        channels, color = _COLORS.get(colors, (samples, _OTHERS.get(colors, "")))
        kind = _NUMBERS.get(numbers[0], "numbers of another kind")
        text = f"{bits[0]:d}-bit {kind}, {color or 'unknown colours'}"
        return f"{text} and {samples - channels} more" if samples > channels else text
    except Exception:  # whatever Pillow meets in a damaged directory
        return None


def _is_read(page: Any) -> bool:
    channels, _ = _COLORS.get(page.photometric, (_MOST_SAMPLES + 1, ""))
    if page.dtype is None or page.imagedepth != 1:
        return False
    is_whole = page.dtype.kind == "u" and page.bitspersample <= 32
    many = channels <= page.samplesperpixel <= _MOST_SAMPLES
    return bool(many and (is_whole or page.dtype.kind == "f"))


def _samples(page: Any, values: NDArray[Any]) -> TiffSamples:
    height, width, count = page.imagelength, page.imagewidth, page.samplesperpixel
    if page.planarconfig == 2 and count > 1:
        values = np.moveaxis(values.reshape(count, height, width), 0, 2)
    values = values.reshape(height, width, count)
    if values.dtype.kind == "u" and page.bitspersample not in (8, 16):
        highest = np.float64((1 << page.bitspersample) - 1)
        values = (values / highest).astype(np.float32)
    elif values.dtype.kind == "f":
        values = values.astype(np.float32)
    channels, _ = _COLORS[page.photometric]
    colors, alpha = values[..., :channels], None
    extra = page.extrasamples[0] if page.extrasamples and count > channels else 0
    if extra in (_MULTIPLIED, _ALPHA):
        full = {"u1": 255, "u2": 65535}.get(values.dtype.str[1:], 1)
        alpha = values[..., channels].astype(np.float32) / np.float32(full)
        if extra == _MULTIPLIED:
            ratio = colors / np.maximum(alpha, 1e-6)[..., None]
            colors = np.clip(ratio, 0, full).astype(values.dtype)
        alpha = np.clip(alpha, 0, 1) * np.float32(255)
    if page.photometric == 0:
        full = {"u1": 255, "u2": 65535}.get(values.dtype.str[1:], 1)
        colors = (full - colors).astype(values.dtype)
    profile = page.tags.valueof(_PROFILE)
    orientation = page.tags.valueof(_ORIENTATION, 1)
    return TiffSamples(
        colors,
        alpha,
        profile if isinstance(profile, bytes) else None,
        orientation if isinstance(orientation, int) else 1,
        count - channels - (alpha is not None),
    )
