"""Decodes picture files and PIL images to sRGB levels and alpha.

Everything that a file can contain is handled here: orientation, colour profile, alpha,
palettes, grey, CMYK, 16 bits, further frames. This module raises only our own errors,
and is thread-safe.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from ..arrays import Array
from ..errors import ImageError
from . import (
    color_tags,
    decoding_memory,
    deep_color,
    missing_pixels,
    other_files,
    photo_tags,
    profiles,
    reducing,
    tiff_grey,
)
from .deep_color import DeepColor
from .picture import Picture
from .picture_file import opened
from .pillow_guard import guarded, refuse_narrow, refuse_oversize
from .samples import grey_levels, hidden
from .tiff_grey import GreyScale

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING: Final = (
    *(Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE),
    *(Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
)
#: Formats whose levels may differ a little from those that were saved.
_LOSSY: Final = ("JPEG", "MPO", "WEBP", "JPEG2000", "AVIF", "HEIF", "JXL")
_EXTRA_SAMPLES: Final = 338
_DEEP_GREY: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")


def from_bytes(data: bytes, name: str, longest: int | None = None) -> Picture:
    """Decode a picture file.

    Args:
        data: The bytes of the file.
        name: What an error message calls the picture.
        longest: Longest side that is needed; None for all.

    Raises:
        ImageError: If the bytes are not a picture, or a damaged or oversized one.
    """
    made = other_files.netpbm_picture(data, name)
    if made is not None:
        return made
    try:
        return _from_file(data, name, longest)
    except ImageError as error:
        made = None
        if isinstance(error.__cause__, UnidentifiedImageError):
            made = other_files.tiff_picture(data, name)
        if made is None:
            raise
        return made


def from_image(image: Image.Image, name: str, longest: int | None = None) -> Picture:
    """Decode a copy of a PIL image; of an animation, its current frame.

    Args:
        image: Any mode that Pillow can convert to RGB.
        name: What an error message calls the picture.
        longest: Longest side that is needed; None for all.

    Raises:
        ImageError: If Pillow cannot decode or convert it, or it is oversized.
    """
    with guarded(name):
        refuse_oversize(image.width * image.height, name)
        refuse_narrow(*image.size, name)
        by = reducing.factor(image.size, longest)
        decoding_memory.admit(image, longest, by, name, copies=1)
        picture = _decode(image.copy(), name, b"", longest)
        return replace(picture, is_lossy=image.format in _LOSSY)


def _from_file(data: bytes, name: str, longest: int | None) -> Picture:
    notes: list[str] = []
    with opened(data, name, notes) as image:
        refuse_oversize(image.width * image.height, name)
        refuse_narrow(*image.size, name)
        picture = _decode(image, name, data, longest)
        lossless = image.format == "WEBP" and b"VP8L" in data
        return replace(
            picture,
            notes=(
                *notes,
                *_frames(image),
                *deep_color.lost(image, data),
                *picture.notes,
            ),
            is_lossy=image.format in _LOSSY and not lossless,
        )


def _decode(image: Image.Image, name: str, data: bytes, longest: int | None) -> Picture:
    notes: list[str] = []
    if data:
        missing_pixels.check(image, data)
    own, by = image.size, reducing.factor(image.size, longest)
    if deep_color.in_planes(image):
        by = 1
    reducing.drafted(image, by)
    # Means of many pixels of 8 bits are as good as one of 16.
    deep = deep_color.prepared(image) if by == 1 else None
    tiff_grey.prepare(image)
    decoding_memory.admit(image, longest, by, name)
    image.load()
    if data:
        missing_pixels.check_decoded(image, data)
    step, space = _step_upright(image, notes), color_tags.find(image, data, notes)
    as_stored, tags = image, photo_tags.read(image)
    image = _turned(reducing.reduced(image, own, longest, by), step)
    alpha: Array | None
    if deep is not None:
        second = None if deep.second is None else _turned(deep.second, step)
        samples = deep.samples(image, second)
        rgb, alpha = _deep_color(samples, deep, image.info, notes)
    elif image.mode in _DEEP_GREY:
        rgb, alpha = _deep_grey(image, name, tiff_grey.find(data), notes)
    else:
        image, alpha = _without_alpha(image)
        if image.mode == "CMYK":
            space = None
        rgb = np.asarray(profiles.to_srgb(image, notes), np.float32)
    if space is not None:
        rgb = space.to_srgb(rgb, out=np.require(rgb, requirements="W"))
    if alpha is not None and alpha.max() < 0.5 and _has_unused_alpha(as_stored):
        alpha = None
    picture = Picture.of(rgb, alpha, (*notes, *hidden(alpha, name)))
    if step in _SWAPPING:
        own, tags = own[::-1], tags.turned()
    return replace(picture, original=None if by == 1 else own, photo=tags)


def _has_unused_alpha(image: Image.Image) -> bool:
    """Whether alpha that is 0 everywhere is only what the format fills a pixel with."""
    if image.format == "TIFF":  # which need not say what a fourth sample is
        return _EXTRA_SAMPLES not in getattr(image, "tag_v2", ())
    return image.format == "BMP"


def _turned(image: Image.Image, step: Image.Transpose | None) -> Image.Image:
    return image if step is None else image.transpose(step)


def _step_upright(image: Image.Image, notes: list[str]) -> Image.Transpose | None:
    # ImageOps.exif_transpose also rewrites the EXIF data, which can fail although the
    # orientation is readable.
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        notes.append("damaged EXIF data: orientation unknown")
        return None
    return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None


def _without_alpha(
    image: Image.Image,
) -> tuple[Image.Image, Array | None]:
    """Split `image` into grey, RGB or CMYK, and alpha."""
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        both = image.convert("LA" if grey else "RGBA")
        alpha = np.asarray(both.getchannel("A"), np.float32)
        return both.convert("L" if grey else "RGB"), alpha
    if image.mode == "CMYK":
        return image, None
    return image.convert("L" if grey else "RGB"), None


def _deep_color(
    samples_hwc: NDArray[np.uint16],
    deep: DeepColor,
    info: Mapping[Any, Any],
    notes: list[str],
) -> tuple[Array, Array | None]:
    """Return the levels and the alpha of a picture of 16 bits in several channels."""
    if not deep.is_whole:
        notes.append(
            "16 bits per channel, compressed in a plane for each: 8 are read; save it "
            "without compression to keep all"
        )
    levels = samples_hwc.astype(np.float32)
    levels /= np.float32(257)
    colors, alpha = levels, None
    if levels.shape[2] in (2, 4):
        colors, alpha = levels[..., :-1], levels[..., -1]
    elif (unseen := info.get("transparency")) is not None:
        alpha = np.where((samples_hwc == unseen).all(axis=2), 0, 255)
    if deep.is_premultiplied and alpha is not None:
        colors = np.minimum(colors * 255 / np.maximum(alpha, 1e-3)[..., None], 255)
    profile = info.get("icc_profile")
    if deep.is_grey:
        colors = profiles.grey(colors[..., 0], profile, notes)
    elif profile:
        colors = profiles.color(colors, profile, notes)
    return np.ascontiguousarray(colors, np.float32), alpha


def _deep_grey(
    image: Image.Image, name: str, scale: GreyScale | None, notes: list[str]
) -> tuple[Array, Array | None]:
    """Return levels and alpha of a grey picture of more than 8 bits, not rounded."""
    values, alpha = np.asarray(image), None
    if scale is not None:
        values = scale.of_32_bits(values)
    if values.dtype.kind == "i":  # how Pillow returns 16-bit pictures of some formats
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65535:
            raise ImageError(
                f"{name}: the samples go from {low} to {high}, expected 0 to 65535"
            )
        values = values.astype(np.uint16)
    if scale is not None:
        values = scale.applied(values)
    if isinstance(unseen := image.info.get("transparency"), int):
        alpha = np.where(values == unseen, np.float32(0), np.float32(255))
    levels = grey_levels(values, name)
    return profiles.grey(levels, image.info.get("icc_profile"), notes), alpha


def _frames(image: Image.Image) -> tuple[str, ...]:
    # Further images of an MPO are previews and depth maps, not frames. Damage after the
    # first frame does not matter here.
    count = 1
    if image.format != "MPO":
        with suppress(Exception):
            count = int(getattr(image, "n_frames", 1))
    return (f"first of {count} frames",) if count > 1 else ()
