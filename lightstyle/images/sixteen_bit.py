"""Encodes PNG and TIFF with 16 bits per channel, which Pillow cannot write in colour.

Both encoders take a whole picture and return a whole file with an ICC profile. Rows are
filtered and compressed in bands, so that little memory is needed beside the picture.
They are written by hand, but for the directory of a TIFF: tifffile, which writes such a
TIFF, takes 2.2 MB on disk.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from . import metadata, photo_tags
from .photo_tags import NO_TAGS, PhotoTags

_BAND_BYTES: Final = 1 << 20
_LEVEL: Final = 6


def encode_png(
    pixels_hwc: NDArray[np.uint16],
    profile: bytes,
    text: str | None = None,
    tags: PhotoTags = NO_TAGS,
) -> bytes:
    """Encode a picture as PNG with 16 bits per channel.

    Args:
        pixels_hwc: (H, W, 3) RGB or (H, W, 4) RGB and alpha, not premultiplied.
        profile: ICC profile to embed.
        text: ASCII text to store as metadata, if any.
        tags: What to say of the photo.
    """
    height, width, channels = pixels_hwc.shape
    colour_type = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    compressor = zlib.compressobj(_LEVEL)
    chunks = [
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", header),
        _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile, 9)),
    ]
    if text is not None:  # not compressed, no language
        keyword = metadata.KEYWORD.encode("ascii")
        chunks.append(_chunk(b"iTXt", keyword + bytes(5) + text.encode("ascii")))
    if tags.dpi is not None:
        across, down = (round(side / 0.0254) for side in tags.dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if data := metadata.exif(None, tags):
        chunks.append(_chunk(b"eXIf", data.removeprefix(b"Exif\0\0")))
    for start, stop in _bands(pixels_hwc):
        above = pixels_hwc[start - 1] if start else np.zeros_like(pixels_hwc[0])
        data = compressor.compress(_paeth_rows(pixels_hwc[start:stop], above))
        if data:
            chunks.append(_chunk(b"IDAT", data))
    chunks.append(_chunk(b"IDAT", compressor.flush()))
    chunks.append(_chunk(b"IEND", b""))
    return b"".join(chunks)


def encode_tiff(
    pixels_hwc: NDArray[np.unsignedinteger],
    profile: bytes,
    text: str | None = None,
    tags: PhotoTags = NO_TAGS,
) -> bytes:
    """Encode a picture as little-endian, deflated TIFF with 8 or 16 bits per channel.

    Args:
        pixels_hwc: (H, W, 3) RGB or (H, W, 4) RGB and alpha, not premultiplied.
        profile: ICC profile to embed.
        text: ASCII text to store as metadata, if any.
        tags: What to say of the photo.

    Raises:
        ValueError: If the file would exceed the 4 GB that TIFF can address.
    """
    height, width, channels = pixels_hwc.shape
    bands = list(_bands(pixels_hwc))
    strips = [_tiff_strip(pixels_hwc[start:stop]) for start, stop in bands]
    sizes = [len(strip) for strip in strips]
    across, down = tags.dpi or (72, 72)
    fields: dict[int, Any] = {
        256: width,
        257: height,
        258: (8 * pixels_hwc.itemsize,) * channels,  # bits per sample
        259: 8,  # compression: deflate
        262: 2,  # photometric interpretation: RGB
        273: (*itertools.accumulate(sizes[:-1], initial=0),),  # after the directory
        277: channels,
        278: bands[0][1],  # rows per strip
        279: tuple(sizes),
        282: across,
        283: down,
        284: 1,  # planar configuration: interleaved
        296: 2,  # resolution unit: inch
        317: 2,  # predictor: horizontal differences
        34675: profile,
    }
    if channels == 4:
        fields[338] = 2  # extra sample: alpha, not premultiplied
    if text is not None:
        fields[metadata.DESCRIPTION] = text
    fields |= photo_tags.directories(tags)
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in fields.items():
        directory[tag] = value
    head = io.BytesIO()
    if directory.save(head) + sum(sizes) >= 1 << 32:
        raise ValueError("a TIFF can hold no more than 4 GB")
    return b"".join([head.getvalue(), *strips])


def _bands(pixels_hwc: NDArray[np.unsignedinteger]) -> Iterator[tuple[int, int]]:
    """Yield the first and last row (exclusive) of each band."""
    rows = max(1, _BAND_BYTES // max(1, pixels_hwc[0].nbytes))
    for start in range(0, len(pixels_hwc), rows):
        yield start, min(start + rows, len(pixels_hwc))


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _paeth_rows(pixels_hwc: NDArray[np.uint16], above_wc: NDArray[np.uint16]) -> bytes:
    """Return PNG scan lines with filter 4: differences from Paeth's predictor."""
    height, width, channels = pixels_hwc.shape
    padded = np.zeros((height + 1, width + 1, channels), ">u2")
    padded[0, 1:], padded[1:, 1:] = above_wc, pixels_hwc
    # The filter works on bytes, so on each of a sample's two separately.
    samples = padded.view(np.uint8).astype(np.int16)
    left, up, corner = samples[1:, :-1], samples[:-1, 1:], samples[:-1, :-1]
    # Distances of the three neighbours to left + up - corner.
    to_left, to_up = np.abs(up - corner), np.abs(left - corner)
    to_corner = np.abs(left + up - 2 * corner)
    predicted = np.where(to_up <= to_corner, up, corner)
    predicted = np.where((to_left <= to_up) & (to_left <= to_corner), left, predicted)
    lines = np.full((height, 1 + width * channels * 2), 4, np.uint8)
    lines[:, 1:] = (samples[1:, 1:] - predicted).reshape(height, -1)
    return lines.tobytes()


def _tiff_strip(pixels_hwc: NDArray[np.unsignedinteger]) -> bytes:
    differences = pixels_hwc.astype(f"<u{pixels_hwc.itemsize}")
    differences[:, 1:] -= pixels_hwc[:, :-1]  # modulo 2¹⁶ or 2⁸, as the predictor is
    return zlib.compress(differences.tobytes(), _LEVEL)
