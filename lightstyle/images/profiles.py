"""Converts colours to sRGB by the ICC profile of a picture."""

import io
from typing import cast

import numpy as np
from PIL import Image

from ..arrays import Array
from . import icc

_UNUSABLE = "unusable colour profile: colours taken as sRGB"


def to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Convert grey, RGB, CMYK or Lab by the profile that is embedded, if any.

    Args:
        image: A picture of 8 bits per channel, with `icc_profile` in its `info`.
        notes: Takes a note if the colours may be wrong.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        return _converted(image, None) or image.convert("RGB")
    if profile:
        converted = _converted(image, profile)
        if converted is not None:
            return converted
        notes.append(_UNUSABLE)
    if image.mode == "CMYK":
        notes.append("CMYK without a usable profile: colours are approximate")
    return image.convert("RGB")


def grey(levels_hw: Array, profile: bytes | None, notes: list[str]) -> Array:
    """Convert grey levels of any precision by a profile, to (H, W, 3)."""
    if not profile:
        return np.repeat(levels_hw[..., None], 3, axis=2)
    # Pillow gives Little CMS 8-bit pictures only: it maps a ramp, which we interpolate.
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    ramp.info["icc_profile"] = profile
    curves = np.asarray(to_srgb(ramp, notes), np.float32)[0].T
    steps = np.arange(256, dtype=np.float32)
    mapped = [np.interp(levels_hw, steps, curve) for curve in curves]
    return np.stack(mapped, axis=2, dtype=np.float32, casting="same_kind")


def color(levels_hwc: Array, profile: bytes | None, notes: list[str]) -> Array:
    """Convert levels, (H, W, 3), by a profile; only one of tables rounds to 8 bits.

    The levels may be overwritten.
    """
    if not profile:
        return levels_hwc
    space = icc.rgb_space(profile)
    if space is not None:
        return (
            levels_hwc if space.is_srgb else space.to_srgb(levels_hwc, out=levels_hwc)
        )
    image = Image.fromarray(np.rint(levels_hwc).astype(np.uint8))
    converted = _converted(image, profile)
    if converted is None:
        notes.append(_UNUSABLE)
        return levels_hwc
    notes.append("a colour profile of tables: 8 of 16 bits per channel are read")
    return np.asarray(converted, np.float32)


def _converted(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Convert by a profile, or from Lab; None if the profile is unusable."""
    from PIL import ImageCms

    try:
        file = ImageCms.createProfile("LAB") if profile is None else io.BytesIO(profile)
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(file),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return cast("Image.Image", converted)
