"""Draws the village of the demo scene: houses and a church with windows and roofs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from models.draw_layer import Layer, Point, Thing, hazed
from models.draw_noise import Field
from models.draw_terrain import EYE, LIGHT, SKYLIGHT, SUNLIGHT, ground

_PLASTER: Final = (
    (0.72, 0.62, 0.45),
    (0.74, 0.68, 0.58),
    (0.66, 0.36, 0.20),
    (0.74, 0.52, 0.22),
    (0.60, 0.28, 0.22),
    (0.48, 0.52, 0.52),
)
_TILES: Final = (
    (0.30, 0.10, 0.05),
    (0.22, 0.085, 0.06),
    (0.15, 0.085, 0.075),
    (0.10, 0.10, 0.115),
)
_LAMP: Final = np.array([2.6, 1.45, 0.42], np.float32)


class Village:
    """Builds houses on the headland."""

    def __init__(self, layer: Layer, seed: int) -> None:
        """Remember what to draw on and the seed of every choice."""
        self._layer = layer
        self._random = np.random.default_rng(seed)

    def things(self) -> list[Thing]:
        """Return everything there is to draw."""
        return [*self._houses(), *self._church()]

    def _houses(self) -> list[Thing]:
        things: list[Thing] = []
        for row, count in (
            (282.0, 15),
            (304.0, 15),
            (330.0, 14),
            (362.0, 12),
            (400.0, 9),
        ):
            spots = np.linspace(0.09, 0.47, count)
            spots += self._random.normal(0, 0.008, count)
            for across in spots:
                z = (
                    row
                    + float(self._random.normal(0, 6))
                    + 260 * abs(across - 0.36) ** 1.5
                )
                things += self._house(float(across) * z, z)
        return things

    def _house(self, x: float, z: float) -> list[Thing]:
        pick = self._random
        base = _height(x, z)
        if base < 0.8:
            return []
        size = (pick.uniform(6.5, 9), pick.uniform(7, 10.5), pick.uniform(8, 12))
        yaw = float(pick.normal(0.42, 0.22)) + (1.57 if pick.random() < 0.3 else 0)
        wall, roof = pick.choice(_PLASTER), pick.choice(_TILES)
        wall = wall * pick.uniform(0.85, 1.1)
        lit = np.random.default_rng(int(pick.integers(1 << 30)))
        return [
            (
                z,
                lambda: self._block(
                    (x, base - 1.5, z), yaw, size, 5.5, wall, roof, lit
                ),
            )
        ]

    def _church(self) -> list[Thing]:
        x, z = 118.0, 335.0
        base = _height(x, z) - 2
        stone, slate = np.array([0.62, 0.52, 0.40]), np.array([0.09, 0.13, 0.13])
        lit = np.random.default_rng(5)
        nave: Point = (x + 11, base, z + 7)

        def paint() -> None:
            self._block(nave, 0.42, (13, 18, 19), 11, stone, slate * 1.7, lit)
            self._block((x, base, z), 0.42, (8.5, 36, 8.5), 0, stone, slate, None)
            self._belfry((x, base, z), 0.42, 8.5, 36)
            self._spire((x, base + 36, z), 0.42, 8.5, 27, slate)

        return [(z, paint)]

    def _block(
        self,
        foot: Point,
        yaw: float,
        size: Sequence[float],
        rise: float,
        wall: Any,
        roof: Any,
        lit: np.random.Generator | None,
    ) -> None:
        """A house: four walls, two gables, two roofs; only what faces the camera."""
        wide, high, deep = (float(side) for side in size)
        at = _placed(foot, yaw)
        a, b, top = wide / 2, deep / 2, high + rise
        sides = (
            ((-a, -b), (a, -b), (0.0, -1.0)),
            ((a, -b), (a, b), (1.0, 0.0)),
            ((a, b), (-a, b), (0.0, 1.0)),
            ((-a, b), (-a, -b), (-1.0, 0.0)),
        )
        for (x0, z0), (x1, z1), normal in sides:
            face = [at(x0, 0, z0), at(x1, 0, z1), at(x1, high, z1), at(x0, high, z0)]
            seen = self._face(face, _turned(normal, 0, yaw), wall)
            if seen and lit is not None:
                self._windows(face, high, wide if normal[0] == 0 else deep, lit)
        for end in (-1.0, 1.0) if rise else ():
            gable = [at(-a, high, end * b), at(a, high, end * b), at(0, top, end * b)]
            self._face(gable, _turned((0.0, end), 0, yaw), wall)
        for end in (-1.0, 1.0) if rise else ():
            e, lip, over = end * (a + 0.7), high - 0.7 * rise / a, b + 0.6
            face = [
                at(e, lip, -over),
                at(e, lip, over),
                at(0, top, over),
                at(0, top, -over),
            ]
            tilt = np.array([end * rise, a, 0.0]) / np.hypot(rise, a)
            if self._face(face, _turned((tilt[0], 0.0), tilt[1], yaw), roof):
                self._tiles(face, roof, _turned((tilt[0], 0.0), tilt[1], yaw))

    def _spire(
        self, foot: Point, yaw: float, wide: float, high: float, roof: Any
    ) -> None:
        at, a = _placed(foot, yaw), wide / 2 + 0.5
        corners = [(-a, -a), (a, -a), (a, a), (-a, a)]
        for (x0, z0), (x1, z1) in zip(corners, corners[1:] + corners[:1], strict=True):
            normal = _turned(((x0 + x1) / wide, (z0 + z1) / wide), 0.15, yaw)
            self._face([at(x0, 0, z0), at(x1, 0, z1), at(0, high, 0)], normal, roof)

    def _belfry(self, foot: Point, yaw: float, wide: float, high: float) -> None:
        """Ledges, tall openings and a clock on the two sides of the tower in view."""
        at, a = _placed(foot, yaw), wide / 2 + 0.05
        for x0, z0, x1, z1 in ((-a, -a, a, -a), (-a, a, -a, -a)):
            low, top = (
                (at(x0, 0, z0), at(x1, 0, z1)),
                (at(x1, high, z1), at(x0, high, z0)),
            )
            side = [*low, *top]
            for ledge in (0.30, 0.58, 0.97):
                self._layer.flat(
                    _patch(side, 0, ledge, 1, 0.02), np.array([0.10, 0.08, 0.08])
                )
            for left in (0.22, 0.58):
                self._layer.flat(_patch(side, left, 0.76, 0.20, 0.17), _LAMP * 0.35)
            self._layer.flat(_patch(side, 0.42, 0.40, 0.16, 0.12), _LAMP * 0.8)
            self._layer.flat(
                _patch(side, 0.30, 0.62, 0.40, 0.10), np.array([0.55, 0.42, 0.2])
            )

    def _face(self, face: Sequence[Point], normal: Field, albedo: Any) -> bool:
        """Draw a polygon if its front is visible; return whether it was."""
        middle = np.mean(face, axis=0)
        if float((middle - [0, EYE, 0]) @ normal) >= 0:
            return False
        self._layer.flat(face, _lit(albedo, normal, middle))
        return True

    def _windows(
        self, face: Sequence[Point], high: float, wide: float, lit: np.random.Generator
    ) -> None:
        """Rows of windows, some with a lamp behind them, in pale frames."""
        columns, floors = max(2, int(wide / 2.4)), max(1, int(high / 3.1))
        for floor in range(floors):
            for column in range(columns):
                left, low = (column + 0.28) / columns, (floor + 0.12) / floors
                frame = _patch(
                    face, left - 0.05, low - 0.03, 0.54 / columns, 0.66 / floors
                )
                pane = _patch(face, left, low, 0.44 / columns, 0.56 / floors)
                glow = lit.random() < 0.42
                light = _LAMP * lit.uniform(0.45, 1) if glow else SKYLIGHT * 0.28
                self._layer.flat(frame, np.array([0.20, 0.17, 0.16]))
                self._layer.flat(pane, light)

    def _tiles(self, face: Sequence[Point], roof: Any, normal: Field) -> None:
        """Courses of tiles: lines a little darker or lighter than the roof."""
        for course in range(1, 13):
            tone = roof * self._random.uniform(0.55, 1.5)
            strip = _patch(face, 0.0, course / 13, 1.0, 0.035)
            self._layer.flat(strip, _lit(tone, normal, np.mean(face, axis=0)))


def _placed(foot: Point, yaw: float) -> Callable[[float, float, float], Point]:
    """Convert a solid's own coordinates to metres of the scene."""
    cosine, sine = float(np.cos(yaw)), float(np.sin(yaw))

    def at(x: float, y: float, z: float) -> Point:
        east, away = cosine * x - sine * z, sine * x + cosine * z
        return foot[0] + east, foot[1] + y, foot[2] + away

    return at


def _turned(normal: tuple[float, float], up: float, yaw: float) -> Field:
    x, z = normal
    east, away = np.cos(yaw) * x - np.sin(yaw) * z, np.sin(yaw) * x + np.cos(yaw) * z
    return np.array([east, up, away], np.float32)


def _patch(
    face: Sequence[Point], left: float, low: float, wide: float, high: float
) -> list[Point]:
    """Return a rectangle within a four-cornered face, in shares of its sides."""
    a, b, c, d = (np.asarray(corner) for corner in face)
    spots = []
    for u, v in (
        (left, low),
        (left + wide, low),
        (left + wide, low + high),
        (left, low + high),
    ):
        spot = (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v
        spots.append((float(spot[0]), float(spot[1]), float(spot[2])))
    return spots


def _lit(albedo: Any, normal: Field, spot: Field) -> Field:
    sun = SUNLIGHT * max(0.0, float(normal @ LIGHT)) * 1.25
    return hazed(np.asarray(albedo) * (sun + SKYLIGHT * (1.15 + 0.5 * normal[1])), spot)


def _height(x: float, z: float) -> float:
    return float(ground(np.full(1, x, np.float32), np.full(1, z, np.float32))[0])
