"""Pictures as bytes and files, for what reads them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

RGB = np.random.default_rng(7).integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY = RGB[..., 0]

_ORIENTATION = 0x112


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The file that Pillow makes of a copy of `image`."""
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
