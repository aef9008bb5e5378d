"""Converts colours of other RGB spaces to sRGB, in float32.

A space is a tone curve for each channel, and where its primaries lie. That covers what
files say without an ICC profile, and the profiles of cameras and displays. Colours
outside sRGB are clipped channel by channel, as Little CMS does. Pillow gives Little CMS
8-bit pictures only, so deeper ones are converted here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array

#: Maps encoded values, 0…1, to linear light, 0…1.
Curve = Callable[[Array], Array]

Matrix = NDArray[np.float64]

#: x and y of red, green, blue and white.
Chromaticities = tuple[float, float, float, float, float, float, float, float]

D65: Final = (0.3127, 0.3290)
SRGB: Final[Chromaticities] = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)
ADOBE_RGB: Final[Chromaticities] = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)

#: Exponent of Adobe RGB (1998).
ADOBE_GAMMA: Final = 563 / 256

#: White of the profile connection space, XYZ.
_D50: Final = np.array([0.9642, 1.0, 0.8249])

#: Bradford's cone responses.
_CONES: Final = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)

_BAND_PIXELS: Final = 1 << 18


@dataclass(frozen=True, eq=False)
class RGBSpace:
    """An RGB colour space.

    Attributes:
        curves: The tone curves of red, green and blue.
        to_xyz: Matrix from linear RGB to XYZ, adapted to D50.
    """

    curves: Sequence[Curve]
    to_xyz: Matrix

    @classmethod
    def of(cls, curve: Curve, chromaticities: Chromaticities = SRGB) -> "RGBSpace":
        """Return the space with these primaries and this white.

        Raises:
            ValueError: If no colour space can have them.
        """
        return cls((curve,) * 3, _adapted(chromaticities))

    @property
    def is_srgb(self) -> bool:
        """Whether no level of sRGB differs by more than rounding."""
        steps = np.linspace(0, 255, 9, dtype=np.float32)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        return bool(np.abs(self.to_srgb(probe) - probe).max() < 1.0)

    def to_srgb(self, levels_hwc: Array, out: Array | None = None) -> Array:
        """Convert levels, (H, W, 3), 0…255, to those of sRGB.

        Args:
            levels_hwc: The levels.
            out: Where to put the result; may be `levels_hwc`.
        """
        matrix = (np.linalg.inv(_adapted(SRGB)) @ self.to_xyz).astype(np.float32)
        made = np.empty_like(levels_hwc) if out is None else out
        rows = max(1, _BAND_PIXELS // max(1, levels_hwc.shape[1]))
        for start in range(0, len(levels_hwc), rows):
            band = levels_hwc[start : start + rows] / np.float32(255)
            linear = np.empty_like(band)
            for channel, curve in enumerate(self.curves):
                linear[..., channel] = curve(band[..., channel])
            made[start : start + rows] = _encoded(linear @ matrix.T)
        return made


def srgb_curve(values: Array) -> Array:
    """Decode sRGB."""
    high = ((values + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(values <= 0.04045, values / np.float32(12.92), high)


def power(exponent: float) -> Curve:
    """Return a curve that raises to `exponent`.

    Raises:
        ValueError: If no display has such a curve.
    """
    if not 0.1 <= exponent <= 10:
        raise ValueError(f"exponent {exponent}")
    return lambda values: values ** np.float32(exponent)


def table(values: Sequence[float] | NDArray[np.generic]) -> Curve:
    """Return a curve through evenly spaced values, 0…1.

    Raises:
        ValueError: If they do not rise from about 0 to about 1.
    """
    points = np.asarray(values, np.float64)
    if len(points) < 2 or not (np.diff(points) >= 0).all():
        raise ValueError("the curve falls")
    if not (points[0] < 0.1 and 0.9 < points[-1] <= 1.01):
        raise ValueError("the curve leaves a part of the range")
    steps = np.linspace(0, 1, len(points))
    return lambda values: np.interp(values, steps, points).astype(np.float32)


def _encoded(linear: Array) -> Array:
    """Encode linear light as levels of sRGB, 0…255; what lies outside is clipped."""
    linear = np.clip(linear, 0, 1)
    high = np.float32(1.055) * linear ** np.float32(1 / 2.4) - np.float32(0.055)
    values = np.where(linear <= 0.0031308, linear * np.float32(12.92), high)
    scaled: Array = values * np.float32(255)
    return scaled


def _adapted(chromaticities: Chromaticities) -> Matrix:
    """Return the matrix from linear RGB to XYZ of D50.

    Raises:
        ValueError: If primaries or white are no real ones.
    """
    points = np.array(chromaticities, np.float64).reshape(4, 2)
    x, y = points.T
    if not (np.isfinite(points).all() and (y > 0.001).all() and (abs(x) <= 1).all()):
        raise ValueError("no chromaticities")
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    primaries, white = xyz[:, :3], xyz[:, 3]
    if abs(np.linalg.det(np.stack([x[:3], y[:3], np.ones(3)]))) < 0.01:
        raise ValueError("primaries on a line")
    to_xyz = primaries * np.linalg.solve(primaries, white)
    ratio = (_CONES @ _D50) / (_CONES @ white)
    adapted: Matrix = np.linalg.inv(_CONES) @ (ratio[:, None] * _CONES) @ to_xyz
    if not np.isfinite(adapted).all():
        raise ValueError("no white")
    return adapted
