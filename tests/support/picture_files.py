"""Pictures as bytes and files, for what reads them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from lightstyle.errors import ImageError
from lightstyle.images import decoding

RGB = np.random.default_rng(7).integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY = RGB[..., 0]

_ORIENTATION = 0x112


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The file that Pillow makes of a copy of `image`; skips where it cannot."""
    Image.init()
    if format_ not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {format_}")
    buffer = io.BytesIO()
    image.copy().save(buffer, format_, **options)
    return buffer.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def exif(orientation: int) -> Image.Exif:
    """EXIF data that say how the picture lies."""
    data = Image.Exif()
    data[_ORIENTATION] = orientation
    return data


def save_with_text(path: str, text: str) -> str:
    """Save a PNG that has `text` where a record of ours would be; its path."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("lightstyle", text)
    Image.new("RGB", (4, 4)).save(path, pnginfo=chunks)
    return path


def size_of(path: str | Path) -> tuple[int, int]:
    """Width and height of a picture file."""
    with Image.open(path) as image:
        return image.size


def png(samples: NDArray[Any], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of uint8 or uint16 samples, (H, W) or (H, W, 2, 3 or 4).

    Args:
        samples: Grey, grey and alpha, RGB, or RGB and alpha.
        chunks: Names and contents of chunks before the pixels.
    """
    height, width, *channels = samples.shape
    kind = {(): 0, (2,): 4, (3,): 2, (4,): 6}[tuple(channels)]
    bits = 8 * samples.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    rows = samples.astype(f">u{bits // 8}").reshape(height, -1)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [
        (b"IHDR", header),
        *chunks,
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4)
        for name, data in parts
    )


def problem(data: bytes) -> str:
    """What is said when `data` are decoded; nothing if they are a picture."""
    try:
        decoding.from_bytes(data, "picture")
    except ImageError as error:
        return str(error)
    return ""
