"""Reads masks, which select parts of another picture."""

from typing import Final

import numpy as np
from PIL import Image

from ..arrays import Array, Size
from ..errors import ImageError
from ..settings.choices import ALL
from ..settings.in_memory import source as image_or_path
from . import loading, reducing
from .picture import Picture

#: Smallest value, of 0…1, at which a mask selects anything.
LEAST: Final = 0.5 / 255

#: A mask is 0 below the first and 1 above the second: JPEG leaves such values beside
#: edges, where nothing was drawn.
_NONE, _FULL = np.float32(0.02), np.float32(0.98)

#: Difference in levels that JPEG may leave between the channels of a grey picture.
_TINT: Final = 8


def read(source: str, role: str, of: Picture) -> Array | None:
    """Read a mask as `read_file`, or return None for `ALL`, the whole picture."""
    return None if source == ALL else read_file(source, role, of)


def read_file(source: str, role: str, of: Picture) -> Array:
    """Read a mask: white is selected, black is not, grey in part.

    Args:
        source: Path of a picture, or an `ImageInMemory`.
        role: What the mask is for; starts error messages.
        of: The masked picture, which must have the same proportions, at any size.

    Returns:
        (H, W), 0…1, at the mask's own size.

    Raises:
        ImageError: If it cannot be read, is coloured, transparent or black all over, or
            has other proportions.
    """
    mask = load(source, role, of, max(of.size) // reducing.SPARE)
    rgb_hwc = mask.rgb_hwc
    if np.ptp(rgb_hwc, axis=2).max() > _TINT:
        raise ImageError(
            f"{role} {source} is coloured, expected a grey picture, white where it "
            "applies; use --regions for maps with a colour for each region"
        )
    values: Array = rgb_hwc.mean(axis=2) / np.float32(255)
    values[values < _NONE], values[values > _FULL] = 0, 1
    if values.max() < LEAST:
        raise ImageError(f"{role} {source} is black all over: it selects nothing")
    return values


def resized(mask: Array, size: Size) -> Array:
    """Resample a mask, (H, W), to `size`, width and height; it stays within 0…1."""
    if mask.shape[::-1] == size:
        return mask
    image = Image.fromarray(np.ascontiguousarray(mask))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)


def load(source: str, role: str, of: Picture, longest: int | None = None) -> Picture:
    """Load a mask or a map; arguments and errors are those of `read_file`.

    Args:
        source: As of `read_file`.
        role: As of `read_file`.
        of: As of `read_file`.
        longest: As of `loading.load`.
    """
    given = image_or_path(source)
    if isinstance(given, np.ndarray) and given.dtype == bool:
        given = np.where(given, np.uint8(255), np.uint8(0))
    mask = loading.load(given, role=role, longest=longest)
    if mask.alpha_hw is not None:
        raise ImageError(
            f"{role} {source} is transparent, expected a picture without alpha"
        )
    (width, height), (wide, high) = mask.original_size, of.original_size
    if abs(height * wide - width * high) > max(height, width, high, wide):
        raise ImageError(
            f"{role} {source} is {width}×{height}, expected the proportions of its "
            f"picture, {wide}×{high}"
        )
    return mask
