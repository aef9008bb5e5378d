"""Reads PNG and TIFF with 16 bits per channel, of which Pillow keeps 8 in colour.

Pillow unpacks the first or the second byte of each sample, by the order of bytes that
it believes the file to have. So the file is decoded twice: once as Pillow would, and
once in the other order, which gives the other byte.
"""

import io
import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from . import jxl_header

#: Tags of TIFF.
_BITS, _PHOTOMETRIC = 258, 262
_CMYK: Final = 5
_PLANAR, _EXTRA, _SAMPLE_FORMAT = 284, 338, 339

#: The layouts in which Pillow unpacks without changing a sample, by its layouts.
_UNPACKED: Final = {
    "RGB": "RGB",
    "RGBX": "RGBX",
    "RGBA": "RGBA",
    "RGBa": "RGBA",  # which Pillow would divide by alpha
    "LA": "RGBA",  # whose four bytes are one pixel's
}


@dataclass(frozen=True)
class DeepColor:
    """A picture with 16 bits per channel in more than one channel.

    Attributes:
        is_grey: Whether it has grey and alpha instead of RGB.
        is_premultiplied: Whether its colours are multiplied with alpha.
        second: The same picture, of which the other byte will be decoded; None if there
            is no need of it, or it cannot be.
    """

    is_grey: bool
    is_premultiplied: bool
    second: Image.Image | None

    @property
    def is_whole(self) -> bool:
        """Whether all 16 bits are read."""
        return self.is_grey or self.second is not None

    def samples(
        self, image: Image.Image, second: Image.Image | None
    ) -> NDArray[np.uint16]:
        """Return the samples, (H, W, 2, 3 or 4), of both pictures after decoding."""
        first = np.asarray(image)
        if self.is_grey:
            return first.view(">u2").astype(np.uint16)
        made = first.astype(np.uint16)
        made *= 257 if second is None else 256
        if second is not None:
            made += np.asarray(second)
        return made


def prepared(image: Image.Image) -> DeepColor | None:
    """Make Pillow decode one byte of each sample of an opened picture.

    Args:
        image: A picture that is opened and not loaded.

    Returns:
        How to get at the samples; None if it has not 16 bits in several channels.
    """
    layout = _layout(image)
    if layout not in _UNPACKED:
        return None
    is_grey, order = layout == "LA", _order(image)
    second = None
    if not is_grey and (_is_contiguous(image) or not _by_libtiff(image)):
        data = io.BytesIO(_file_of(image))
        second = Image.open(data, formats=(str(image.format),))
        _ask_for(second, _UNPACKED[layout], "L" if order == "B" else "B")
    _ask_for(image, _UNPACKED[layout], "" if is_grey else order)
    return DeepColor(is_grey, layout == "RGBa" and second is not None, second)


def in_planes(image: Image.Image) -> bool:
    """Whether it has 16-bit planes that Pillow would misread, if not `prepared`."""
    layout = _layout(image)
    return bool(layout) and not _is_contiguous(image) and not _by_libtiff(image)


def lost(image: Image.Image, data: bytes) -> tuple[str, ...]:
    """Return a note if Pillow keeps 8 of more bits of a picture in colour."""
    bits = 0 if image.mode.startswith(("I", "F")) else _bits(image, data)
    return note_of_lost(bits) if 8 < bits <= 32 else ()


def note_of_lost(bits: int) -> tuple[str, ...]:
    """Return the note that 8 of more bits per channel are read."""
    return (
        f"{bits} bits per channel, of which 8 are read; save it as PNG or TIFF of "
        "16 bits in RGB to keep all",
    )


def _bits(image: Any, data: bytes) -> int:
    """Return the bits per channel of a file, 0 if it does not say so."""
    if image.format == "TIFF":
        is_ink = image.tag_v2.get(_PHOTOMETRIC) == _CMYK
        return int(max(image.tag_v2.get(_BITS, (0,)))) if is_ink else 0
    if image.format == "JXL":
        return jxl_header.read(data).bits
    if image.format in ("AVIF", "HEIF"):
        at = data.find(b"pixi")  # the box with the depth of each channel
        return 0 if at < 0 else sum(data[at + 9 : at + 10])
    if image.format == "JPEG2000":
        at = data.find(b"\xff\x51\0")  # the marker SIZ
        return 0 if at < 0 else sum(n & 0x7F for n in data[at + 40 : at + 41]) + 1
    return 0


def _layout(image: Image.Image) -> str:
    """Return how a file holds its pixels if they have 16 bits, in Pillow's words."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        raw = str(image.tile[0].args) if image.tile else ""
        return raw.removesuffix(";16B") if raw.endswith(";16B") else ""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return ""
    tags = image.tag_v2
    kind = tags.get(_PHOTOMETRIC), *map(set, (tags.get(_BITS, ()), _formats(tags)))
    if kind != (2, {16}, {1}):
        return ""
    extra = tags.get(_EXTRA, ())
    if image.mode == "RGB":
        return "RGBX" if extra and _is_contiguous(image) else "RGB"
    return "RGBa" if extra == (1,) else "RGBA"


def _file_of(image: Any) -> bytes:
    image.fp.seek(0)
    return bytes(image.fp.read())


def _formats(tags: Any) -> tuple[int, ...]:
    return tuple(tags.get(_SAMPLE_FORMAT, (1,)))


def _is_contiguous(image: Any) -> bool:
    """Whether the samples of a pixel lie together."""
    return bool(image.format != "TIFF" or image.tag_v2.get(_PLANAR, 1) == 1)


def _by_libtiff(image: Any) -> bool:
    return bool(image.tile[0].codec_name == "libtiff")


def _order(image: Any) -> str:
    """Return the order of bytes in which Pillow gets the samples: L or B."""
    if image.format == "PNG":
        return "B"
    if _by_libtiff(image):  # which returns the machine's own
        return "L" if sys.byteorder == "little" else "B"
    return "L" if image.tag_v2.prefix == b"II" else "B"


def _ask_for(image: Any, layout: str, order: str) -> None:
    """Make Pillow unpack a picture that is not loaded yet in another way."""
    tiles, suffix = image.tile, f";16{order}" if order else ""
    if image.format == "PNG":
        image.tile = [tile._replace(args=layout + suffix) for tile in tiles]
        return
    raw_modes = [layout] * len(tiles)
    if not _is_contiguous(image) and not _by_libtiff(image):  # a tile in one plane
        raw_modes = [tile.args[0][0].upper() for tile in tiles]
    image.tile = [
        tile._replace(args=(raw_mode + suffix, *tile.args[1:]))
        for tile, raw_mode in zip(tiles, raw_modes, strict=True)
        if raw_mode in (layout, *image.mode)  # a plane more is no colour
    ]
