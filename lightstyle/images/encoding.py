"""Encodes pictures as files.

The suffix determines the format. Every format that supports it gets an sRGB profile.
Equal pictures give equal bytes.
"""

import functools
import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ..arrays import Array
from ..errors import OutputError, UsageError
from . import metadata, sixteen_bit
from .photo_tags import NO_TAGS, PhotoTags

#: Pillow's name of the format for each suffix that can be written.
FORMATS: Final = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}

#: TIFF tag 317, the predictor: horizontal differences.
_TIFF_FIELDS: Final = {317: 2}

#: Chroma at full resolution (4:4:4), since stylised pictures have sharp hue changes.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
_LONGEST_SIDE: Final = {"JPEG": 65500, "WEBP": 16383}
_WITH_ALPHA: Final = ("PNG", "WEBP", "TIFF")
_ENCODERS_16_BIT: Final = {
    "PNG": sixteen_bit.encode_png,
    "TIFF": sixteen_bit.encode_tiff,
}


def check_format(path: Path, bits: int) -> str:
    """Return Pillow's name of the format for the suffix of `path`.

    Raises:
        UsageError: If the suffix is unknown, or its format does not have that depth.
    """
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise UsageError(
            f"output {path}: the suffix must be one of {', '.join(FORMATS)}"
        )
    if bits not in (8, 16):
        raise UsageError(
            f"output {path}: {bits} bits per channel are not possible; choose 8 or 16"
        )
    if bits == 16 and format_ not in _ENCODERS_16_BIT:
        raise UsageError(
            f"output {path}: {format_} has no 16 bits per channel; choose .png or .tif"
        )
    return format_


def encoded(
    path: Path,
    rgb_hwc: Array,
    *,
    alpha_hw: Array | None = None,
    bits: int = 8,
    text: str | None = None,
    tags: PhotoTags = NO_TAGS,
) -> bytes:
    """Encode a picture in the format of the suffix of `path`, where it is to be.

    Args:
        path: Path of the file.
        rgb_hwc: (H, W, 3), sRGB; clipped to 0..255 and rounded to the nearest step.
        alpha_hw: (H, W), 0..255; formats without alpha get the picture over white.
        bits: Bits per channel: 8, or 16 for PNG and TIFF.
        text: ASCII text to store as metadata; omitted if it is too long or the format
            has no place for it.
        tags: What to say of the photo, as far as the format has a place for it.

    Returns:
        The contents of the file.

    Raises:
        UsageError: If the suffix is unknown, or its format does not have that depth.
        OutputError: If the format cannot hold the picture.
    """
    format_ = check_format(path, bits)
    if text is not None and len(text) > metadata.LONGEST:
        text = None
    try:
        levels_hwc = _levels(format_, rgb_hwc, alpha_hw)
        if bits == 16:
            pixels_hwc = np.rint(levels_hwc * np.float32(257)).astype(np.uint16)
            return _ENCODERS_16_BIT[format_](pixels_hwc, srgb_profile(), text, tags)
        pixels_hwc = np.rint(levels_hwc).astype(np.uint8)
        if format_ == "TIFF" and tags != NO_TAGS:  # Pillow compresses no EXIF data
            return sixteen_bit.encode_tiff(pixels_hwc, srgb_profile(), text, tags)
        return _encoded_8_bit(Image.fromarray(pixels_hwc), format_, text, tags)
    except Exception as error:  # Pillow has no base class for what it raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OutputError(
            f"cannot write {path}: {format_} cannot hold this picture: {reason}; "
            "try .png or another size"
        ) from error


@functools.cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, always the same bytes."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 of the header are the profile's creation date.
    date = np.array([2000, 1, 1, 0, 0, 0], ">u2").tobytes()
    return profile[:24] + date + profile[36:]


def _levels(format_: str, rgb_hwc: Array, alpha_hw: Array | None) -> Array:
    """Return what a file of the format holds, within 0..255.

    Raises:
        ValueError: If the format cannot hold the picture.
    """
    if alpha_hw is not None:
        rgb_hwc = _with_alpha(format_, rgb_hwc, alpha_hw)
    if not np.isfinite(rgb_hwc).all():
        raise ValueError("some values are not finite")
    longest = _LONGEST_SIDE.get(format_)
    if longest is not None and max(rgb_hwc.shape) > longest:
        raise ValueError(f"a side is longer than {longest} pixels")
    return np.clip(rgb_hwc, 0, 255)


def _encoded_8_bit(
    image: Image.Image, format_: str, text: str | None, tags: PhotoTags
) -> bytes:
    options = dict(_OPTIONS.get(format_, {}))
    if format_ != "BMP":
        options["icc_profile"] = srgb_profile()
    options |= metadata.options(format_, text, tags)
    if format_ == "TIFF":
        options["tiffinfo"] = _TIFF_FIELDS | options.get("tiffinfo", {})
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def _with_alpha(format_: str, rgb_hwc: Array, alpha_hw: Array) -> Array:
    """Add alpha as a fourth channel, or composite the picture over white."""
    alpha = alpha_hw[..., None]
    if format_ in _WITH_ALPHA:
        return np.concatenate([rgb_hwc, alpha], axis=2)
    opacity = np.clip(alpha, 0, 255) / np.float32(255)
    white = np.full_like(rgb_hwc, 255)
    return white + (np.clip(rgb_hwc, 0, 255) - white) * opacity
