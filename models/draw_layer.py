"""Draws flat shapes of the demo scene, in metres and light, on a transparent layer.

The layer holds linear light in 8 bits, up to `BRIGHTEST`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from models.draw_noise import Field
from models.draw_terrain import View, haze

#: Light that a layer can hold; a lit window is brighter than paper in the sun.
BRIGHTEST: Final = 3.0

Point = tuple[float, float, float]
#: Distance in metres, and what draws the thing.
Thing = tuple[float, Callable[[], None]]


def encode(light: Any) -> tuple[int, int, int]:
    """Convert linear light (3,) to the three bytes of the layer."""
    red, green, blue = (
        int(255 * min(max(float(level) / BRIGHTEST, 0.0), 1.0) ** (1 / 2.2))
        for level in light
    )
    return red, green, blue


def decode(layer: Image.Image) -> Field:
    """Convert an RGBA layer to (H, W, 4) linear light and coverage."""
    pixels = np.asarray(layer, np.float32) / 255
    light = np.power(pixels[..., :3], 2.2) * BRIGHTEST
    return np.dstack([light, pixels[..., 3]]).astype(np.float32)


def hazed(light: Any, spot: Any) -> Field:
    """Return light (…, 3) from a place in metres (3,) as it arrives through haze."""
    x, y, z = (np.full(1, value, np.float32) for value in spot)
    levels = np.asarray(light, np.float32)
    return haze(levels.reshape(-1, 3), x, z, y).reshape(levels.shape)


class Layer:
    """Draws flat shapes at places in metres."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._image = Image.new("RGBA", (view.width, view.height))
        self._pen = ImageDraw.Draw(self._image)

    def light(self) -> Field:
        """Return what was drawn, (H, W, 4) linear light and coverage."""
        return decode(self._image)

    def flat(self, face: Sequence[Point], light: Any) -> None:
        """Draw a polygon with corners in metres, in light (3,)."""
        corners = [self.view.project(*point) for point in face]
        self._pen.polygon(corners, fill=(*encode(light), 255))

    def blob(self, spot: Any, radius: float, light: Any) -> None:
        """Draw a clump of leaves around a place, `radius` metres, in light (3,)."""
        column, row = self.view.project(*(float(value) for value in spot))
        r = max(radius * self.view.focus / float(spot[2]), 0.6)
        box = (column - r, row - r * 0.8, column + r, row + r * 0.8)
        self._pen.ellipse(box, fill=(*encode(light), 255))
