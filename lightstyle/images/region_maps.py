"""Reads maps that have a flat colour for each region, and pairs those of two maps.

A lossless map of few colours is taken as it is. JPEG, and smooth edges, add colours
that nobody chose. There, the colours of the map are those that fill an area evenly, and
every pixel gets the nearest of them. Pixels between two regions, whose mixed colour may
resemble a third, go to the region beside them.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..errors import ImageError
from . import masks
from .picture import Picture

#: A map with more colours than this, after they are snapped, is a photograph.
MOST_COLORS: Final = 16

#: Largest difference in a channel, in levels, of colours that are taken for the same.
#: JPEG of quality 30 and more keeps a flat area within it.
NEAR: Final = 32

#: Largest difference in a channel between neighbours in an even area.
_EVEN: Final = 16

#: Share of the pixels that must have nearly a colour of the map: of a photograph, few.
_LEAST_SHARE: Final = 0.7

#: Side of the smallest area that counts, in pixels.
_SIDE: Final = 3

_CODE: Final = np.array([1 << 16, 1 << 8, 1])


def read(source: str, role: str, of: Picture) -> dict[str, Array]:
    """Read a map that has a colour for each region.

    Args:
        source: Path of a picture, or an `ImageInMemory`.
        role: What the map is for; starts error messages.
        of: The mapped picture, which must have the same proportions, at any size.

    Returns:
        The mask of each colour, (H, W), 0 or 1, by the colour, as ``#ff0000``.

    Raises:
        ImageError: If it cannot be read, is transparent, has more than `MOST_COLORS`
            colours or other proportions.
    """
    picture = masks.load(source, role, of)
    levels = np.rint(picture.rgb_hwc).astype(np.int16)
    codes = levels @ _CODE
    found = np.unique(codes)
    if len(found) > MOST_COLORS or picture.is_lossy:
        snapped = _snapped(levels, codes)
        if snapped is None:
            raise ImageError(
                f"{role} {source} has {len(found)} colours, expected at most "
                f"{MOST_COLORS} flat ones: save it as PNG, drawn without smooth edges"
            )
        codes, found = snapped, np.unique(snapped)
    return {f"#{code:06x}": (codes == code).astype(np.float32) for code in found}


def counterpart(color: str, others: Iterable[str]) -> str | None:
    """Return which of the colours of the other map means the same as `color`.

    That is the same one, or, if there is only one within `NEAR`, that.
    """
    others = tuple(others)
    if color in others:
        return color
    near = [each for each in others if _distance(color, each) <= NEAR]
    return near[0] if len(near) == 1 else None


def _distance(one: str, other: str) -> int:
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return max(abs(a - b) for a, b in pairs)


def _snapped(
    levels_hwc: NDArray[np.int16], codes: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the code of the map's colour for each pixel; None for a photograph."""
    from scipy import ndimage

    size = (_SIDE, _SIDE, 1)
    spread = ndimage.maximum_filter(levels_hwc, size) - ndimage.minimum_filter(
        levels_hwc, size
    )
    centers = _centers(codes[spread.max(axis=2) <= _EVEN])
    if not 0 < len(centers) <= MOST_COLORS:
        return None
    placed = np.full(codes.shape, -1)
    square = np.ones((_SIDE, _SIDE), bool)
    for center in centers:
        near = np.abs(levels_hwc - _levels(center)).max(axis=2) <= NEAR
        placed[ndimage.binary_opening(near, square) & (placed < 0)] = center
    if (placed >= 0).mean() < _LEAST_SHARE:
        return None
    _, nearest = ndimage.distance_transform_edt(placed < 0, return_indices=True)
    snapped: NDArray[np.int64] = placed[tuple(nearest)]
    return snapped


def _centers(codes: NDArray[np.int64]) -> list[int]:
    """Return the most frequent codes that are not near a more frequent one.

    Where JPEG halves the colours' resolution, edges leave even patches of wrong colours
    beside them. Those are scattered, so rare codes must be farther away.
    """
    values, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rest = values[order]
    reach = np.where(counts[order] < _SIDE * _SIDE, 2 * NEAR, NEAR)
    centers: list[int] = []
    while len(rest) and len(centers) <= MOST_COLORS:
        center = int(rest[0])
        centers.append(center)
        apart = np.abs(_levels(rest) - _levels(center)).max(axis=-1) > reach
        rest, reach = rest[apart], reach[apart]
    return centers


def _levels(codes: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return the levels of codes, (..., 3)."""
    levels: NDArray[np.int64] = np.asarray(codes)[..., None] // _CODE % 256
    return levels
