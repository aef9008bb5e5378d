"""Reads large pictures at a reduced scale, where a run needs no more.

A photo of 108 megapixels takes 1.3 GB as levels, and a run at 512 pixels needs 2 MB.
JPEG is decoded at a fraction of its size; of other pictures the means of squares of
pixels are taken, in bands, so that nothing of their size is held beside them. What is
left is at least `SPARE` times as large as needed: the filter that resizes it does the
rest, as it does with a picture that was read whole. The result does not depend on how
much memory there is.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import Image

from ..arrays import Size
from ..contract import MINIMUM_SIDE

#: Pixels up to which pictures are read whole.
WHOLE: Final = 16_000_000

#: How much larger than needed a picture stays.
SPARE: Final = 2

#: Pixels of a band.
_BAND: Final = 1_000_000

_DEEP: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_GREY: Final = ("1", "L", "LA", "La")
_AVERAGED: Final = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "F", "I")


def factor(size: Size, longest: int | None) -> int:
    """Return by how much the sides of a picture may be divided.

    Args:
        size: Width and height, in pixels.
        longest: Longest side that is needed; None for all.

    Returns:
        A whole number, 1 if the picture is to be read as it is.
    """
    if longest is None or size[0] * size[1] <= WHOLE:
        return 1
    return _spare(size, longest)


def drafted(image: Image.Image, by: int) -> None:
    """Have a JPEG that is not decoded yet decoded at a fraction of its size.

    Args:
        image: A picture of any format.
        by: What `factor` allows.
    """
    if by > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (image.width // by, image.height // by))


def scale(image: Image.Image) -> int:
    """Return by how much the sides of a JPEG are divided as a draft, else 1."""
    return (getattr(image, "decoderconfig", None) or (1,))[0]


def reduced(image: Image.Image, own: Size, longest: int | None, by: int) -> Image.Image:
    """Divide the sides of a decoded picture by the largest whole number that is right.

    Args:
        image: A picture that is decoded, perhaps as a draft; it is not changed.
        own: Width and height in the file.
        longest: Longest side that is needed.
        by: What `factor` allowed before it was decoded.

    Returns:
        The picture: grey, RGB or CMYK, with alpha if the original has any. The same
        object if it is to stay as it is.
    """
    if by == 1 or (image.mode in _DEEP and "transparency" in image.info):
        return image
    by = further(image.size, longest, by)
    made = image if by == 1 else _divided(image, by)
    # The last column and row stand for fewer pixels than the others.
    box = own[0] / (scale(image) * by), own[1] / (scale(image) * by)
    return made if box == made.size else made.resize(made.size, box=(0, 0, *box))


def further(size: Size, longest: int | None, by: int) -> int:
    """Return what is left to divide of a picture of this size, which may be a draft."""
    return 1 if by == 1 or longest is None else _spare(size, longest)


def _divided(image: Image.Image, by: int) -> Image.Image:
    width, height = image.size
    rows = by * max(1, _BAND // (width * by))
    parts = (
        _plain(image.crop((0, top, width, min(top + rows, height)))).reduce(by)
        for top in range(0, height, rows)
    )
    made = _stacked(parts, (-(-width // by), -(-height // by)))
    made.info = {k: v for k, v in image.info.items() if k != "transparency"}
    return made


def _spare(size: Size, longest: int) -> int:
    by = max(size) // (SPARE * max(longest, MINIMUM_SIDE))
    return max(1, min(by, min(size) // (SPARE * MINIMUM_SIDE)))


def _stacked(parts: Iterator[Image.Image], size: Size) -> Image.Image:
    """Put pictures of the width of `size` below each other."""
    first = next(parts)
    made = Image.new(first.mode, size)
    made.paste(first, (0, 0))
    top = first.height
    for part in parts:
        made.paste(part, (0, top))
        top += part.height
    return made


def _plain(band: Image.Image) -> Image.Image:
    """Return a band in a mode whose pixels can be averaged."""
    if band.mode in _DEEP:
        return Image.fromarray(np.asarray(band).astype(np.int32))
    if band.has_transparency_data:
        return band.convert("LA" if band.mode in _GREY else "RGBA")
    if band.mode in _AVERAGED:
        return band
    return band.convert("L" if band.mode in _GREY else "RGB")
