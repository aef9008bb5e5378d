"""Refuses pictures whose files lack pixels, where a decoder would fill them in.

Pillow leaves strips of a TIFF that no offset names and rows that a PNG lacks black,
OpenJPEG does so with tiles, and libjpeg fills in grey. What the lengths tell is found
before anything is allocated: a file of 1 kB may claim 150 megapixels.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from PIL import Image

from . import jpeg_end, png_chunks

_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 256, 257, 258, 259
_ROWS_PER_STRIP, _PLANAR, _SAMPLES = 278, 284, 277
_STRIPS, _TILES, _TILE_WIDTH, _TILE_HEIGHT = 273, 324, 322, 323
_STRIP_BYTES, _TILE_BYTES = 279, 325
_IN_PLANES: Final = 2

#: Side of a block of a JPEG, and the least bits of one: a code for its mean and, but
#: in a progressive file, one for its end.
_BLOCK: Final = 8
_LEAST_BITS: Final = 2
_LEAST_BITS_PROGRESSIVE: Final = 1

#: Frames that are coded arithmetically, for which no such bounds hold.
_ARITHMETIC: Final = (b"\xff\xc9", b"\xff\xca")

#: Most bytes that deflate makes of one, and the compressions of TIFF: LZW, deflate
#: under its two numbers, and PackBits.
_DEFLATE: Final = 1032
_EXPANSION: Final = {5: 2731, 8: _DEFLATE, 32946: _DEFLATE, 32773: 64}

#: Markers of JPEG 2000: the start of a codestream with its sizes, and of a tile-part.
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_TILE_PART: Final = 0xFF90


def check(image: Image.Image, data: bytes) -> None:
    """Check the lengths in the file of a picture that is opened and not decoded.

    Args:
        image: The picture, in its full size.
        data: The whole file.

    Raises:
        ValueError: If it cannot have all pixels.
    """
    if image.format == "TIFF":
        lacking = not all(0 < at < len(data) for at in _offsets(image))
        lacking = lacking or _is_short(image)
    elif _has_codes(image, data):
        lacking = 8 * len(data) < _least_bits(image)
    elif image.format == "PNG":
        lacking = _DEFLATE * len(data) < png_chunks.pixel_bytes(data)
    else:
        lacking = image.format == "JPEG2000" and _lacks_tiles(data)
    if lacking:
        raise ValueError("some of its pixels are missing")


def check_decoded(image: Image.Image, data: bytes) -> None:
    """Check a decoded picture whose last pixels look as if they were filled in.

    Args:
        image: The picture, perhaps a draft.
        data: The whole file.

    Raises:
        ValueError: If some of its pixels are missing.
    """
    side = min(_BLOCK, *image.size)
    box = image.width - side, image.height - side, *image.size
    if image.format == "PNG":
        last = image.crop((0, image.height - 1, *image.size))
        lacking = not any(last.tobytes()) and png_chunks.lacks_rows(data)
    elif _has_codes(image, data):
        corner = np.asarray(image.crop(box))
        lacking = bool((corner == corner[0, 0]).all()) and jpeg_end.lacks_pixels(data)
    else:
        return
    if lacking:
        raise ValueError("some of its pixels are missing")


def _offsets(image: Any) -> Iterator[int]:
    """Yield where each strip or tile of a TIFF begins, 0 if nothing says so."""
    tags = image.tag_v2
    width, height = tags[_WIDTH], tags[_HEIGHT]  # as they are stored, not upright
    if _TILES in tags:
        offsets = tags[_TILES]
        count = math.ceil(width / tags[_TILE_WIDTH])
        count *= math.ceil(height / tags[_TILE_HEIGHT])
    else:
        offsets = tags[_STRIPS]
        count = math.ceil(height / min(height, tags.get(_ROWS_PER_STRIP, height)))
    if tags.get(_PLANAR) == _IN_PLANES:
        count *= tags.get(_SAMPLES, 1)
    yield from offsets[:count]
    if len(offsets) < count:
        yield 0


def _is_short(image: Any) -> bool:
    """Whether the strips of a TIFF are too short for its pixels, whatever is in them.

    Some may share their bytes, which count for each.
    """
    tags = image.tag_v2
    most = _EXPANSION.get(tags.get(_COMPRESSION))
    lengths = tags.get(_TILE_BYTES) or tags.get(_STRIP_BYTES)
    if most is None or not lengths:
        return False
    bits = (
        tags[_WIDTH]
        * tags[_HEIGHT]
        * tags.get(_SAMPLES, 1)
        * min(tags.get(_BITS, (1,)))
    )
    return bool(8 * most * sum(lengths) < bits)


def _has_codes(image: Image.Image, data: bytes) -> bool:
    """Whether it is a JPEG with Huffman codes."""
    is_jpeg = image.format in ("JPEG", "MPO")
    return is_jpeg and not any(frame in data for frame in _ARITHMETIC)


def _least_bits(image: Any) -> int:
    """Return how many bits the blocks of a JPEG take at least."""
    layers = [(across, down) for _, across, down, _ in image.layer]
    widest, highest = (max(sides) for sides in zip(*layers, strict=True))
    each: int = _LEAST_BITS_PROGRESSIVE if "progressive" in image.info else _LEAST_BITS
    blocks: int = sum(
        math.ceil(image.width * across / (widest * _BLOCK))
        * math.ceil(image.height * down / (highest * _BLOCK))
        for across, down in layers
    )
    return each * blocks


def _lacks_tiles(data: bytes) -> bool:
    """Whether tiles of a JPEG 2000 have no part in the file."""
    at = data.find(_CODESTREAM) + 2
    sizes = struct.unpack_from(">8I", data, at + 6)
    across, down = (
        math.ceil((int(sizes[n]) - sizes[6 + n]) / sizes[4 + n]) for n in range(2)
    )
    found = set[int]()
    while at + 12 <= len(data):
        marker, length, tile, part = struct.unpack_from(">HHHI", data, at)
        if marker == _TILE_PART:
            found.add(tile)
            length = (part or len(data)) - 2
        elif marker >> 8 != 0xFF:
            break
        at += 2 + max(2, length)
    return bool(len(found) < across * down)
