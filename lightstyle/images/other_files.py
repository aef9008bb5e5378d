"""Makes pictures of files that Pillow does not know."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from PIL import Image

from ..arrays import Array
from . import deep_color, netpbm, profiles, tiff_kinds
from .picture import Picture
from .samples import grey_levels, hidden

#: What turns a picture upright, by the orientation that EXIF gives it.
_UPRIGHT: Final[Mapping[int, Callable[[Any], Any]]] = {
    2: np.fliplr,
    3: lambda planes: np.rot90(planes, 2),
    4: np.flipud,
    5: lambda planes: planes.swapaxes(0, 1),
    6: lambda planes: np.rot90(planes, -1),
    7: lambda planes: np.rot90(planes, 2).swapaxes(0, 1),
    8: np.rot90,
}


def netpbm_picture(data: bytes, name: str) -> Picture | None:
    """Read what `netpbm` reads; None for any other file.

    Raises:
        ImageError: If it is damaged, oversized, or out of its range.
    """
    found = netpbm.read(data, name)
    if found is None:
        return None
    levels, alpha = grey_levels(found, name), None
    if levels.shape[2] in (2, 4):
        levels, alpha = levels[..., :-1], np.ascontiguousarray(levels[..., -1])
    rgb = np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))
    return Picture.of(rgb, alpha, hidden(alpha, name))


def tiff_picture(data: bytes, name: str) -> Picture | None:
    """Read what `tiff_kinds` reads; None if it cannot tell what a file is.

    Raises:
        ImageError: As `tiff_kinds.read`, or if it is out of its range.
    """
    found, notes = tiff_kinds.read(data, name), list[str]()
    if found is None:
        return None
    levels = grey_levels(found.colors, name)
    bits = 8 * found.colors.dtype.itemsize
    rgb = _srgb(levels, bits, found.profile, notes)
    turn = _UPRIGHT.get(found.orientation, lambda planes: planes)
    alpha = None if found.alpha is None else turn(found.alpha)
    notes += hidden(alpha, name)
    if found.left_out and found.colors.shape[2] == 1:  # what was in colour is grey
        notes.append(f"first of {1 + found.left_out} channels, as grey")
    return Picture.of(np.ascontiguousarray(turn(rgb)), alpha, notes)


def _srgb(
    levels_hwc: Array, bits: int, profile: bytes | None, notes: list[str]
) -> Array:
    """Convert grey, RGB or CMYK, by its number of channels, of so many bits each."""
    channels = levels_hwc.shape[2]
    if channels == 1:
        return profiles.grey(levels_hwc[..., 0], profile, notes)
    if channels == 3:
        return profiles.color(levels_hwc, profile, notes)
    notes += deep_color.note_of_lost(bits) if bits > 8 else ()
    ink = np.rint(levels_hwc).astype(np.uint8)
    image = Image.frombytes("CMYK", ink.shape[1::-1], ink.tobytes())
    if profile:
        image.info["icc_profile"] = profile
    return np.asarray(profiles.to_srgb(image, notes), np.float32)
