"""Pictures, their sizes, and their conversion to and from tensors.

Colours are sRGB levels from 0 to 255 in float32, height × width × RGB. Alpha is kept
separately and takes no part in a transfer.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..arrays import Array, Size
from ..contract import MINIMUM_SIDE
from ..errors import ImageError, UsageError
from .photo_tags import NO_TAGS, PhotoTags

_LANCZOS: Final = Image.Resampling.LANCZOS

#: Level of fully transparent pixels.
_WHITE: Final = np.float32(255)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with separate alpha.

    Visible pixels have their own colour, not blended with a background. Fully
    transparent ones are white, so that hidden colours do not affect a style.

    Attributes:
        rgb_hwc: (H, W, 3) float32, sRGB, 0..255.
        alpha_hw: (H, W) float32, 0 transparent to 255 opaque; None if all is opaque.
        notes: Notes for the user, such as "first of 12 frames".
        is_lossy: Whether its file may have changed the levels, as JPEG does.
        original: Width and height before it was read at a reduced scale; None if it is
            as it was.
        photo: What its file says of the photo.
    """

    rgb_hwc: Array
    alpha_hw: Array | None
    notes: tuple[str, ...] = ()
    is_lossy: bool = False
    original: Size | None = None
    photo: PhotoTags = NO_TAGS

    @classmethod
    def of(cls, rgb_hwc: Array, alpha_hw: Array | None, notes: Iterable[str]) -> Self:
        """Make a picture of the levels in a file.

        Args:
            rgb_hwc: As `Picture.rgb_hwc`; under full transparency, any levels.
            alpha_hw: As `Picture.alpha_hw`; it may be opaque all over.
            notes: As `Picture.notes`.
        """
        if alpha_hw is None or alpha_hw.min() >= 255:
            return cls(rgb_hwc, None, tuple(notes))
        rgb_hwc = np.where(alpha_hw[..., None] >= 0.5, rgb_hwc, _WHITE)
        return cls(rgb_hwc, np.ascontiguousarray(alpha_hw), tuple(notes))

    @property
    def size(self) -> Size:
        """Width and height, in pixels."""
        height, width = self.rgb_hwc.shape[:2]
        return width, height

    @property
    def original_size(self) -> Size:
        """Width and height before it was read at a reduced scale."""
        return self.original or self.size


def resized(picture: Picture, size: Size) -> Picture:
    """Resample `picture` with an antialiased Lanczos filter, in float32.

    Colours are weighted with alpha, so that transparent pixels do not bleed into
    visible ones.

    Args:
        picture: The picture; returned unchanged if it has that size.
        size: Width and height, in pixels.

    Raises:
        UsageError: If a side is below 1.
    """
    if min(size) < 1:
        raise UsageError(f"size is {size[0]}×{size[1]}, expected sides of at least 1")
    if picture.size == size:
        return picture
    if picture.alpha_hw is None:
        rgb = _lanczos(picture.rgb_hwc, size)
        return Picture(np.clip(rgb, 0, 255), None, picture.notes)
    opacity = picture.alpha_hw[..., None] / np.float32(255)
    planes = np.concatenate([picture.rgb_hwc * opacity, opacity], axis=2)
    planes = _lanczos(planes, size)
    # Alpha below half a level counts as none: dividing by it would only make noise.
    divisor: Array = np.maximum(planes[..., 3:], np.float32(0.5 / 255))
    rgb = np.clip(planes[..., :3] / divisor, 0, 255)
    alpha = np.clip(planes[..., 3] * np.float32(255), 0, 255)
    return Picture.of(rgb, alpha, picture.notes)


def fitted_size(
    own: Size, longest: int, *, enlarge: bool = False, role: str = "picture"
) -> Size:
    """Return the size at which a picture's longest side is `longest`.

    Args:
        own: Width and height of the picture, in pixels.
        longest: Length of the longer side, in pixels.
        enlarge: Whether a smaller picture is enlarged.
        role: What the picture is for; starts error messages.

    Returns:
        Width and height, in the picture's proportions; its own if it is smaller and not
        to be enlarged.

    Raises:
        UsageError: If a side would become too short for the network.
        ImageError: If a side of the picture is too short, and it is not to be enlarged.
    """
    if longest < MINIMUM_SIDE:
        raise UsageError(f"size is {longest}, expected at least {MINIMUM_SIDE} pixels")
    width, height = own
    scale = longest / max(own)
    if not enlarge:
        scale = min(scale, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if min(size) >= MINIMUM_SIDE:
        return size
    needed = math.ceil(MINIMUM_SIDE * max(own) / min(own))
    if not enlarge and min(own) < MINIMUM_SIDE:
        advice = f" to a --size of {needed} or more" if longest < needed else ""
        raise ImageError(
            f"{role}: {width}×{height} pixels, expected sides of at least "
            f"{MINIMUM_SIDE}; choose a larger picture, or --enlarge it{advice}"
        )
    raise UsageError(
        f"{role}: {width}×{height} pixels would become {size[0]}×{size[1]}, expected "
        f"sides of at least {MINIMUM_SIDE}; choose a size of {needed} or more"
    )


def to_pixels(image_hwc: NDArray[np.floating]) -> Array:
    """Convert an image to the layout of the network.

    Args:
        image_hwc: (H, W, 3), 0..255.

    Returns:
        (1, 3, H, W) contiguous float32, the same levels, always a copy.
    """
    return np.array(image_hwc.transpose(2, 0, 1)[None], np.float32, order="C")


def from_pixels(pixels_nchw: NDArray[np.floating]) -> Array:
    """Convert an image from the layout of the network.

    Args:
        pixels_nchw: (1, 3, H, W), any finite values.

    Returns:
        (H, W, 3) contiguous float32, clipped to 0..255, always a copy.
    """
    levels = np.clip(pixels_nchw[0].transpose(1, 2, 0), 0, 255)
    return np.array(levels, np.float32, order="C")


def resampled(pixels_nchw: Array, size: Size) -> Array:
    """Resample channels of any values with the filter of `resized`.

    Args:
        pixels_nchw: (1, C, h, w).
        size: Width and height.

    Returns:
        (1, C, H, W), which may overshoot the range of the input.
    """
    if pixels_nchw.shape[:1:-1] == size:
        return pixels_nchw
    planes_hwc = _lanczos(pixels_nchw[0].transpose(1, 2, 0), size)
    return np.array(planes_hwc.transpose(2, 0, 1)[None], np.float32, order="C")


def _lanczos(planes_hwc: Array, size: Size) -> Array:
    planes = map(np.ascontiguousarray, planes_hwc.transpose(2, 0, 1))
    images = [Image.fromarray(plane).resize(size, _LANCZOS) for plane in planes]
    return np.stack([np.asarray(image, np.float32) for image in images], axis=2)
