"""Converts between sRGB and Oklab (Ottosson, 2020).

Oklab separates lightness and chroma. In it the hue stays the same when the lightness
changes at a given chroma, while the blues of CIELAB turn purple. All of sRGB has a
lightness L of 0…1, and a and b within −0.32…0.28. Levels are those of sRGB, 0…255. The
curves continue beyond them, odd about 0, so that a colour may leave sRGB and come back.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: From linear sRGB to the responses of the three cones; from their cube roots to Oklab.
_CONES: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_CONES_INVERSE: Final = np.linalg.inv(_CONES)
_LAB_INVERSE: Final = np.linalg.inv(_LAB)

#: Linear values that still count as 0 and 1: clipping to these changes the chroma by
#: less than 2e-4 and 1e-6. The bound at 0 is so small because of the cube root.
_BELOW, _ABOVE = -1e-12, 1 + 1e-6

#: Bisection steps in the search for the largest chroma that fits.
_HALVINGS: Final = 20


def to_oklab(levels: NDArray[Any]) -> Values:
    """Convert sRGB levels, (…, 3), to L, a, b, (…, 3)."""
    lab: Values = np.cbrt(_linear(levels) @ _CONES.T) @ _LAB.T
    return lab


def from_oklab(lab: Values) -> Values:
    """Convert L, a, b to sRGB levels, beyond 0…255 where sRGB has no such colour."""
    return _levels(_linear_of(lab))


def grey_levels(lightness: Values) -> Values:
    """Return the level of the grey with lightness L."""
    return _levels(lightness**3)


def is_color(lab: Values) -> NDArray[np.bool_]:
    """Return whether sRGB has the colours, (…, 3), as a mask, (…)."""
    linear = _linear_of(lab)
    least, most = linear.min(axis=-1), linear.max(axis=-1)
    within: NDArray[np.bool_] = (least >= _BELOW) & (most <= _ABOVE)
    return within


def nearest_color(lab: Values) -> Values:
    """Reduce the chroma of colours, (N, 3), to what sRGB has at their L and hue."""
    least, most = np.zeros((len(lab), 1)), np.ones((len(lab), 1))
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        fits = is_color(_with_share(lab, middle))[:, None]
        least, most = np.where(fits, middle, least), np.where(fits, most, middle)
    return _with_share(lab, least)


def _with_share(lab: Values, share: Values) -> Values:
    """Multiply the chroma by `share`, (N, 1)."""
    return np.concatenate([lab[:, :1], lab[:, 1:] * share], axis=1)


def _linear(levels: NDArray[Any]) -> Values:
    """Convert sRGB levels to linear light, 0…1; odd, for levels below 0."""
    size = np.abs(levels.astype(np.float64)) / 255
    curve = ((np.maximum(size, 0.04045) + 0.055) / 1.055) ** 2.4
    light = np.where(size <= 0.04045, size / 12.92, curve)
    linear: Values = np.copysign(light, levels)
    return linear


def _levels(linear: Values) -> Values:
    size = np.abs(linear)
    curve = 1.055 * np.maximum(size, 0.0031308) ** (1 / 2.4) - 0.055
    return 255 * np.copysign(np.where(size <= 0.0031308, 12.92 * size, curve), linear)


def _linear_of(lab: Values) -> Values:
    cones = (lab @ _LAB_INVERSE.T) ** 3
    linear: Values = cones @ _CONES_INVERSE.T
    return linear
