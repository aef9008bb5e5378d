"""Plans the demo's style picture: an invented evening, to be painted with brushes.

A plan states what is at each place of the canvas, the direction of the brush and the
paint: suns and eddies in a windy sky, ridges, poplars, a field.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.draw_noise import Field, fractal, ramp

#: Height of the canvas as a share of its width; lengths below are in canvas widths.
TALL: Final = 800 / 1024

#: Across, down, radius, and how strongly the flow turns around it (sign: which way).
_SUNS: Final = (
    (0.300, 0.235, 0.105, 1.0),
    (0.705, 0.120, 0.050, -0.8),
    (0.925, 0.330, 0.040, 0.8),
    (0.065, 0.085, 0.036, -0.8),
    (0.520, 0.070, 0.028, 0.7),
    (0.060, 0.430, 0.030, 0.7),
)
#: Eddies of the sky; their turn winds inwards.
_EDDIES: Final = (
    (0.570, 0.300, 0.150, -1.0),
    (0.110, 0.295, 0.075, 0.8),
    (0.880, 0.190, 0.085, 0.9),
)

PAINTS: Final = {
    "sky": [
        "#0b1a52",
        "#122a7a",
        "#1c3f9e",
        "#2f62b5",
        "#0f5f78",
        "#1f8a93",
        "#7fb4c4",
    ],
    "eddy": ["#e9e2c0", "#9cc9c6", "#3f9aa3", "#1f5fa8", "#173a8c", "#f0d58a"],
    "sun": [
        "#fff4cf",
        "#fbdc84",
        "#f6b93b",
        "#ee8b24",
        "#d9641c",
        "#c9d7a8",
        "#5fa7a6",
    ],
    "hill": [
        "#0d2b52",
        "#16477a",
        "#1d6a7c",
        "#2f8a7d",
        "#0a1d3d",
        "#5ea38c",
        "#27407f",
    ],
    "ridge": ["#2b3f8f", "#4a63ad", "#7f8fc4", "#1d2c6b", "#c7a58c", "#9c7fa0"],
    "field": [
        "#c8871f",
        "#e0a636",
        "#f0c765",
        "#b5651a",
        "#8a4a17",
        "#f7e3a4",
        "#7a8a2c",
    ],
    "wood": [
        "#07131c",
        "#0c2424",
        "#123832",
        "#1c4a33",
        "#3a2415",
        "#5c3416",
        "#0a1836",
    ],
}
NAMES: Final = tuple(PAINTS)


@dataclass(frozen=True)
class Plan:
    """A plan of the painting: (H, W) maps of the canvas.

    Attributes:
        region: Index into `NAMES`.
        heading: Direction of the brush, radians.
        tone: Which of the region's paints, from 0, the first, to 1, the last.
    """

    region: NDArray[np.int64]
    heading: Field
    tone: Field


def plan(width: int) -> Plan:
    """Plan a canvas `width` pixels wide."""
    rows = int(width * TALL)
    down, across = np.mgrid[:rows, :width].astype(np.float32) / np.float32(width)
    region, tone = _sky(across, down)
    heading = _sky_heading(across, down)
    for name, inside, turn, shade in _land(across, down):
        region = np.where(inside, NAMES.index(name), region)
        heading = np.where(inside, turn, heading)
        tone = np.where(inside, shade, tone)
    return Plan(region, heading, tone)


def _sky(across: Field, down: Field) -> tuple[NDArray[np.int64], Field]:
    """Regions and tones of the sky: rings around suns, arms of eddies, bands."""
    bands = fractal(across * 3.2 + 0.4 * down, down * 9.0, 4, 5)
    tone = np.asarray(0.36 + 0.30 * bands + 0.55 * ramp(down, 0.2, 0.52), np.float32)
    region = np.full(across.shape, NAMES.index("sky"))
    for x, y, radius, turn in _EDDIES:
        away, angle = _polar(across, down, x, y)
        arms = 0.5 + 0.5 * np.sin(2 * angle + turn * 15 * away / radius**0.75)
        inside = away < radius * (0.92 + 0.12 * np.sin(3 * angle + x * 40))
        region = np.where(inside, NAMES.index("eddy"), region)
        tone = np.where(inside, arms, tone)
    for x, y, radius, _ in _SUNS:
        away, angle = _polar(across, down, x, y)
        inside = away < radius * (1 + 0.05 * np.sin(7 * angle))
        region = np.where(inside, NAMES.index("sun"), region)
        tone = np.where(inside, away / radius, tone)
    return region, tone


def _sky_heading(across: Field, down: Field) -> Field:
    """Direction of a wind that waves and turns about the suns and eddies."""
    wave = 0.55 * np.sin(9 * across + 5 * down) + 0.9 * fractal(
        across * 3, down * 4, 2, 8
    )
    east, south = np.cos(wave), np.sin(wave)
    for x, y, radius, turn in _SUNS + _EDDIES:
        away, angle = _polar(across, down, x, y)
        pull = 4.5 * np.exp(-np.square(away / (1.15 * radius)))
        lean = angle + np.pi / 2 * np.sign(turn) + (0.28 if radius > 0.12 else 0.0)
        east = east + pull * np.sign(turn) * np.cos(lean) * np.sign(turn)
        south = south + pull * np.sin(lean)
    return np.asarray(np.arctan2(south, east), np.float32)


def _land(
    across: Field, down: Field
) -> list[tuple[str, NDArray[np.bool_], Field, Field]]:
    """Name, place, direction and tone of what stands before the sky, far to near."""
    flecks = fractal(across * 9, down * 9, 3, 15)
    parts = []
    for name, crest, slope in (
        (
            "ridge",
            0.535 + 0.035 * np.sin(7 * across + 0.6) + 0.02 * np.sin(17 * across),
            0.3,
        ),
        (
            "hill",
            0.600 + 0.030 * np.sin(5 * across + 3.0) + 0.01 * np.sin(13 * across),
            0.5,
        ),
    ):
        depth = down - crest
        turn = slope * np.cos(8 * across + 30 * depth) + 7 * depth * np.sin(11 * across)
        shade = 0.45 + 0.5 * np.sin(55 * depth + 6 * flecks)
        parts.append((name, depth > 0, turn, shade))
    edge = 0.665 - 0.045 * np.sin(4.2 * across + 0.4)
    furrows = np.arctan2(down - 0.53, across - 0.40) + 0.35 * np.sin(9 * down)
    rows = 0.45 + 0.5 * np.sin(34 * np.arctan2(across - 0.40, down - 0.53) + 3 * flecks)
    parts.append(("field", down > edge, furrows, rows))
    parts.extend(_poplars(across, down, flecks))
    return [
        (n, i, np.asarray(t, np.float32), np.asarray(s, np.float32))
        for n, i, t, s in parts
    ]


def _poplars(
    across: Field, down: Field, flecks: Field
) -> list[tuple[str, NDArray[np.bool_], Field, Field]]:
    """Three dark poplars that lick upwards like flames."""
    parts = []
    for foot, top, wide in (
        (0.742, 0.300, 0.030),
        (0.868, 0.440, 0.026),
        (0.800, 0.115, 0.044),
    ):
        up = np.clip((0.745 - down) / (0.745 - top), 0, 1.2)
        sway = foot + 0.012 * np.sin(9 * up + foot * 30)
        girth = wide * np.sqrt(np.clip(1 - up, 0, 1)) * (0.55 + 0.9 * up * (1.25 - up))
        girth = girth * (1 + 0.16 * np.sin(26 * up + 40 * foot))
        aside = (across - sway) / np.maximum(girth, 1e-4)
        turn = -np.pi / 2 + 0.45 * np.sin(14 * up + 3 * aside) + 0.25 * aside
        inside = (np.abs(aside) < 1) & (down < 0.745)
        parts.append(("wood", inside, turn, 0.42 + 0.30 * aside + 0.5 * flecks))
    return parts


def _polar(across: Field, down: Field, x: float, y: float) -> tuple[Field, Field]:
    return np.hypot(across - x, down - y), np.arctan2(down - y, across - x)
