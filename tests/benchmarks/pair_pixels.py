"""Borders, grain and sharpness of a picture, measured in its pixels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, median_filter

from lightstyle.arrays import Array

Mask = NDArray[np.bool_]

#: Lines of the border, and of what lies next to it.
BORDER, NEXT = 16, 48

#: How far inside the picture the frame lies that is measured in the same way.
INSET: Final = 32

#: Share of the content that counts as flat, and of any picture as strong edges.
FLAT, STRONG = 25, 10

#: Energy of rounding to whole levels: no picture is measured to have less.
_ROUNDING: Final = 1 / 12


def border(image_hwc: Array, inset: int = 0) -> dict[str, list[float]]:
    """Statistics of a frame of 16 lines over those of the next 48, per colour.

    Args:
        image_hwc: (H, W, 3), 0…255, sides of at least 40.
        inset: Lines around the frame. A frame inside the picture is a control: there
            the subject alone makes a difference. It is less where that does not fit.

    Returns:
        Ratios of mean, deviation and gradient energy, three each.
    """
    height, width = image_hwc.shape[:2]
    inset = min(inset, (min(height, width) // 2 - BORDER) // 2)
    rows, columns = np.ogrid[:height, :width]
    across = np.minimum(columns, width - 1 - columns)
    inward = np.minimum(np.minimum(rows, height - 1 - rows), across) - inset
    outer = (inward >= 0) & (inward < BORDER)
    beside = (inward >= BORDER) & (inward < BORDER + NEXT)
    # Differences of neighbours, so that none reaches out of the picture.
    steps = np.diff(image_hwc, axis=0)[:, :-1] ** 2
    steps = steps + np.diff(image_hwc, axis=1)[:-1] ** 2
    levels, energies = (
        [each[mask[: len(each), : each.shape[1]]] for mask in (outer, beside)]
        for each in (image_hwc, steps)
    )
    means, deviations, gradients = (
        [function(part, axis=0) for part in parts]
        for function, parts in (
            (np.mean, levels),
            (np.std, levels),
            (np.mean, energies),
        )
    )
    return {
        "mean": _ratios(*means),
        "deviation": _ratios(*deviations),
        "gradient": _ratios(*gradients),
    }


@dataclass(frozen=True, eq=False)
class ContentPixels:
    """Where a content is flat, where it has strong edges, and how strong they are."""

    flat: Mask
    edges: Mask
    energy: float

    @classmethod
    def of(cls, image_hwc: Array) -> "ContentPixels":
        slopes, wide = _slopes(image_hwc), _slopes(image_hwc, 3)
        edges = slopes >= np.percentile(slopes, 100 - STRONG)
        return cls(
            wide <= np.percentile(wide, FLAT), edges, _energy(slopes[edges] ** 2)
        )


@dataclass(frozen=True, eq=False)
class StylePixels:
    """High-frequency energies of a style, all over it, and that of its strokes.

    Not of its flattest areas: what is painted into a flat part of the photo is the
    texture of the whole style, and where a poster is flattest it has no energy at all,
    so that nothing could be divided by it.
    """

    grain: Array
    speckle: Array
    strokes: float

    @classmethod
    def of(cls, image_hwc: Array) -> "StylePixels":
        everywhere = np.ones(image_hwc.shape[:2], np.bool_)
        return cls(
            grain(image_hwc, everywhere),
            speckle(image_hwc, everywhere),
            _strokes(image_hwc),
        )


def measure(
    image_hwc: Array, content: ContentPixels, style: StylePixels
) -> dict[str, object]:
    """Measure a picture, (H, W, 3), 0…255, of the size of the content.

    Returns:
        ``border`` and, further inside, ``inside``; ``grain`` and ``speckle`` where the
        content is flat over those of the style, per colour; ``edges``, the gradient
        energy at the content's strong edges over the content's there; ``strokes``, that
        of the picture's strongest edges over that of the style's.
    """
    return {
        "border": border(image_hwc),
        "inside": border(image_hwc, INSET),
        "grain": _ratios(grain(image_hwc, content.flat), style.grain),
        "speckle": _ratios(speckle(image_hwc, content.flat), style.speckle),
        "edges": _energy(_slopes(image_hwc)[content.edges] ** 2) / content.energy,
        "strokes": _strokes(image_hwc) / style.strokes,
    }


def grain(image_hwc: Array, where: Mask) -> Array:
    """Energy per colour of what a blur of 1 pixel removes: all fine detail."""
    return _residue(image_hwc, gaussian_filter(image_hwc, (1, 1, 0)), where)


def speckle(image_hwc: Array, where: Mask) -> Array:
    """Energy per colour of what a median of 3 × 3 removes: single pixels."""
    return _residue(image_hwc, median_filter(image_hwc, (3, 3, 1)), where)


def _residue(image_hwc: Array, smooth_hwc: Array, where: Mask) -> Array:
    energy: Array = ((image_hwc - smooth_hwc)[where] ** 2).mean(axis=0)
    return np.maximum(energy, np.float32(_ROUNDING))


def _slopes(image_hwc: Array, sigma: float = 1) -> Array:
    """Gradient of grey under a blur, so that speckle is not taken for sharpness."""
    slopes: Array = gaussian_gradient_magnitude(image_hwc.mean(axis=2), sigma)
    return slopes


def _strokes(image_hwc: Array) -> float:
    slopes = _slopes(image_hwc)
    return _energy(slopes[slopes >= np.percentile(slopes, 100 - STRONG)] ** 2)


def _energy(squares: Array) -> float:
    return max(float(squares.mean()), _ROUNDING)


def _ratios(one: Array, other: Array) -> list[float]:
    """Ratios of the two, none infinite: black areas have a mean and energy of 0."""
    least = np.float32(_ROUNDING)
    return [float(r) for r in np.maximum(one, least) / np.maximum(other, least)]
