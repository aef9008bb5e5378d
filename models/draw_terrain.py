"""Draws the far half of the demo scene: an evening sky and mountains around a lake.

The mountains are a height field, seen by a camera on the shore. For each column of the
picture the field is sampled at growing distances; a running maximum of the angle above
the horizon gives the distance that each pixel shows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.draw_noise import Field, fractal, mix, ramp, ridged

#: Metres of the camera above the water.
EYE: Final = 7.0
#: Row of the horizon, as a share of the height.
HORIZON: Final = 0.60
#: Focal length in widths of the picture.
FOCUS: Final = 1.1
#: Direction to the sun in the picture: across and up, as tangents.
SUN: Final = (-0.145, 0.118)
#: Direction from which surfaces are lit; swung to the side of the disc in the sky, or
#: all that faces the camera would be black.
LIGHT: Final = np.array([-0.74, 0.42, -0.38], np.float32) / np.float32(0.932)

SUNLIGHT: Final = np.array([1.55, 0.86, 0.40], np.float32)
SKYLIGHT: Final = np.array([0.17, 0.24, 0.40], np.float32)

_NEAREST, _FARTHEST = 60.0, 16000.0
#: Distance, depth and height of each range of mountains, and how it dips at the sun.
_RANGES: Final = (
    (1150.0, 420.0, 150.0, 0.75),
    (2500.0, 700.0, 520.0, 0.90),
    (4900.0, 1200.0, 1050.0, 0.88),
    (9800.0, 2200.0, 2350.0, 0.80),
)


@dataclass(frozen=True)
class View:
    """Tangents across and up of each pixel.

    Attributes:
        width: Pixels across.
        height: Pixels down.
    """

    width: int
    height: int

    @property
    def focus(self) -> float:
        """Focal length in pixels."""
        return FOCUS * self.width

    @property
    def horizon(self) -> float:
        """Row of the horizon."""
        return HORIZON * self.height

    def rays(self) -> tuple[Field, Field]:
        """Tangents across (W,) and up (H,)."""
        across = (np.arange(self.width, dtype=np.float32) + 0.5) - self.width / 2
        up = self.horizon - (np.arange(self.height, dtype=np.float32) + 0.5)
        return across / np.float32(self.focus), up / np.float32(self.focus)

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Column and row of a point: metres right, above the water and away."""
        scale = self.focus / z
        return self.width / 2 + x * scale, self.horizon - (y - EYE) * scale


def sky(view: View) -> Field:
    """Sky with clouds and the sun, (H, W, 3) linear light."""
    across, up = np.meshgrid(*view.rays())
    up = np.maximum(up, 0)
    colour = _gradient(up)
    away = np.hypot(across - SUN[0], up - SUN[1])
    glow = np.exp(-away / 0.16)
    colour += glow[..., None] * np.array([0.95, 0.42, 0.10], np.float32)
    colour = _clouds(colour, across, up, away)
    disc = ramp(away, 0.0150, 0.0132) * 18 + np.exp(-away / 0.022) * 1.5
    return np.asarray(colour + disc[..., None] * np.array([1, 0.72, 0.36]), np.float32)


def _gradient(up: Field) -> Field:
    """Clear evening sky: gold at the horizon, rose, then blue."""
    heights = [0.0, 0.06, 0.14, 0.26, 0.42, 0.62]
    colours = np.array(
        [
            [0.98, 0.56, 0.25],
            [0.92, 0.55, 0.34],
            [0.58, 0.47, 0.46],
            [0.24, 0.34, 0.52],
            [0.09, 0.20, 0.44],
            [0.04, 0.11, 0.32],
        ],
        np.float32,
    )
    channels = [np.interp(up, heights, colours[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def _clouds(colour: Field, across: Field, up: Field, away: Field) -> Field:
    """Banks of cloud on a ceiling, so that they crowd together towards the horizon."""
    depth = 1 / (up + 0.085)
    x, z = across * depth * 1.35, depth * 0.95
    bend = fractal(x, z, 3, 71) * 0.5
    dense = fractal(x + bend, z - bend, 8, 41, gain=0.56)
    toward = fractal(x + bend - 0.10, z - bend + 0.13, 6, 41, gain=0.56)
    cover = ramp(dense, -0.22, 0.50)
    flocks = ramp(fractal(x * 3.4 + bend, z * 3.8, 5, 83), 0.02, 0.75)
    cover = np.maximum(cover, 0.75 * flocks * ramp(dense, -0.75, -0.2))
    cover = cover * ramp(up, 0.015, 0.10)
    lit = np.exp(-1.6 * np.maximum(toward + 0.15, 0)) + 0.35 * (dense - toward)
    near = np.exp(-away / 0.30)
    gold = np.array([0.75, 0.36, 0.22], np.float32) + near[..., None] * np.array(
        [1.3, 0.62, 0.12], np.float32
    )
    shade = mix(
        np.array([0.13, 0.14, 0.23], np.float32),
        np.array([0.42, 0.24, 0.24], np.float32),
        near,
    )
    cloud = mix(shade, gold, np.clip(lit, 0, 1))
    return mix(colour, cloud, cover * 0.93)


def ground(x: Field, z: Field, octaves: int = 6) -> Field:
    """Metres above the water at a place; below 0 is lake.

    Args:
        x: Metres to the right, float32.
        z: Metres away, same shape.
        octaves: Detail of the rock.
    """
    across = x / z
    dip = 1 - np.exp(-np.square((across - SUN[0] - 0.01) / 0.13))
    height = np.full(x.shape, -9, np.float32)
    crests = ridged(x / 2100 + 3.1, z / 2100, octaves, 11)
    swell = fractal(x / 900, z / 900, 4, 29)
    for distance, depth, rise, dips in _RANGES:
        bump = np.exp(-np.square((z - distance - 160 * swell) / depth))
        shape = 0.28 + 0.95 * crests + 0.22 * swell
        height += rise * bump * shape * (1 - dips * (1 - dip))
    return np.asarray(height + _headland(x, z), np.float32)


def _headland(x: Field, z: Field) -> Field:
    """The low hill to the right on which the village stands."""
    rough = fractal(x / 60, z / 60, 4, 53)
    reach = np.square((x - 178) / 185) + np.square((z - 425) / 190)
    return np.asarray((36 + 5 * rough) * np.exp(-1.35 * reach), np.float32)


def mountains(view: View) -> tuple[Field, Field]:
    """Mountains over a transparent sky.

    Returns:
        (H, W, 4) linear light with the share of the pixel covered, and (H, W) metres
        to what the pixel shows, infinite for sky and water.
    """
    across, up = view.rays()
    distance = np.geomspace(_NEAREST, _FARTHEST, 1400).astype(np.float32)
    z = distance[:, None]
    height = ground(across[None] * z, np.broadcast_to(z, (len(z), view.width)))
    angles = np.maximum.accumulate((np.maximum(height, 0) - EYE) / z, axis=0)
    seen = np.empty((view.height, view.width), np.float32)
    steps = np.arange(len(distance), dtype=np.float32)
    tiny = steps * np.float32(1e-9)  # interp wants angles that grow
    for column in range(view.width):
        seen[:, column] = np.interp(up, angles[:, column] + tiny, steps, right=np.inf)
    land = np.isfinite(seen)
    seen = np.where(land, seen, 0)
    metres = np.interp(seen, steps, distance).astype(np.float32)
    land &= ground(across[None] * metres, metres, 3) > 0.05
    layer = np.zeros((view.height, view.width, 4), np.float32)
    layer[land, :3] = _surface((across * metres)[land], metres[land])
    layer[..., 3] = land
    return layer, np.where(land, metres, np.float32(np.inf))


def _surface(x: Field, z: Field) -> Field:
    """Light (N, 3) of the ground: rock, wood, meadow and snow, in sun and haze."""
    step = np.maximum(z * 0.0008, 0.5)
    here = ground(x, z, 9)
    slope_x = (ground(x + step, z, 9) - here) / step
    slope_z = (ground(x, z + step, 9) - here) / step
    length = np.sqrt(1 + slope_x**2 + slope_z**2)
    facing = (-slope_x * LIGHT[0] + LIGHT[1] - slope_z * LIGHT[2]) / length
    albedo = _cover(x, z, here, 1 / length)
    sun = np.clip(facing, 0, 1)[..., None] * SUNLIGHT
    light = albedo * (sun + SKYLIGHT * (0.55 + 0.45 / length[..., None]))
    return haze(light, x, z, here)


def _cover(x: Field, z: Field, height: Field, level: Field) -> Field:
    """What grows or lies there, (N, 3) share of light thrown back."""
    patch = fractal(x / 130, z / 130, 6, 91)
    crowns = fractal(x / 7, z / 9, 3, 97)
    meadow = np.array([0.20, 0.24, 0.06], np.float32)
    wood = np.array([0.035, 0.075, 0.035], np.float32)
    rock = np.array([0.27, 0.24, 0.23], np.float32)
    snow = np.array([0.85, 0.86, 0.92], np.float32)
    colour = mix(meadow, wood, ramp(patch, -0.28, 0.02))
    colour = mix(colour, rock, ramp(height + 140 * patch, 420, 760))
    colour = mix(colour, rock * np.float32(0.8), ramp(level, 0.62, 0.45))
    high = ramp(height + 260 * patch, 950, 1350) * ramp(level, 0.40, 0.62)
    colour = mix(colour, snow, high)
    mottled = np.clip(1 + 0.55 * crowns * np.exp(-z / 2500), 0.3, None)
    return np.asarray(colour * mottled[..., None], np.float32)


def haze(light: Field, x: Field, z: Field, height: Field) -> Field:
    """Light after the air between: warm towards the sun, blue away from it."""
    toward = np.exp(-np.abs(x / z - SUN[0]) / 0.22)
    air = mix(
        np.array([0.24, 0.31, 0.46], np.float32),
        np.array([0.95, 0.52, 0.26], np.float32),
        np.asarray(toward, np.float32),
    )
    thick = z / 6500 * (0.55 + 0.9 * np.exp(-np.maximum(height, 0) / 350))
    return mix(light, air, np.asarray(1 - np.exp(-thick), np.float32))
