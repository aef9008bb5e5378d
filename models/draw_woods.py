"""Draws trees on the shore and the slopes of the demo scene."""

from typing import Any, Final

import numpy as np

from models.draw_layer import Layer, Point, Thing, hazed
from models.draw_noise import Field, fractal
from models.draw_terrain import LIGHT, SKYLIGHT, SUNLIGHT, ground

_COUNT: Final = 8500


class Woods:
    """Plants trees where a slow noise says wood and nothing hides them."""

    def __init__(self, layer: Layer, depth: Field, seed: int) -> None:
        """Look at the land.

        Args:
            layer: What to draw on.
            depth: Metres to what each pixel shows, (H, W), from `mountains`.
            seed: Of every choice.
        """
        self._layer, self._view, self._depth = layer, layer.view, depth
        self._random = np.random.default_rng(seed)

    def things(self) -> list[Thing]:
        """Plant trees on the near slopes, dense where a slow noise says wood."""
        pick, count = self._random, _COUNT
        z = np.exp(pick.uniform(np.log(255), np.log(2300), count)).astype(np.float32)
        x = (pick.uniform(-0.48, 0.50, count) * z).astype(np.float32)
        high = ground(x, z)
        wood = fractal(x / 130, z / 130, 4, 91) - 0.12 * np.log(z / 700)
        village = (z < 440) & (x / z > 0.07) & (pick.random(count) < 0.85)
        keep = (high > 1.0) & ~village & (wood + pick.normal(0, 0.16, count) < 0.12)
        return [
            self._tree(*spot) for spot in zip(x[keep], high[keep], z[keep], strict=True)
        ]

    def _tree(self, x: float, base: float, z: float) -> Thing:
        pick = self._random
        tall, dark = float(pick.uniform(7, 13)), bool(pick.random() < 0.55)
        hue = pick.choice(
            [
                [0.05, 0.10, 0.035],
                [0.10, 0.13, 0.03],
                [0.22, 0.12, 0.03],
                [0.16, 0.15, 0.03],
            ],
            p=[0.45, 0.30, 0.10, 0.15],
        )
        seed = np.random.default_rng(int(pick.integers(1 << 30)))

        def paint() -> None:
            if not self._hidden(x, base, z):
                if dark:
                    self._fir((x, base, z), tall * 1.25, seed)
                else:
                    self._crown((x, base, z), tall, hue, seed)

        return z, paint

    def _hidden(self, x: float, base: float, z: float) -> bool:
        column, row = self._view.project(x, base + 2, z)
        inside = 0 <= column < self._view.width and 0 <= row < self._view.height
        return not inside or float(self._depth[int(row), int(column)]) < z * 0.93

    def _crown(
        self, foot: Point, tall: float, hue: Any, pick: np.random.Generator
    ) -> None:
        """Draw a broad tree: clumps of leaves, brighter towards the light."""
        x, y, z = foot
        count = int(np.clip(11.54 * self._view.focus / z, 14, 90))
        out = pick.normal(0, 1, (count, 3))
        out *= pick.random((count, 1)) ** 0.33 / np.linalg.norm(out, axis=1)[:, None]
        spots = np.array([x, y + tall * 0.56, z]) + out * tall * [0.36, 0.44, 0.3]
        glow = 0.35 + 0.65 * np.maximum(out @ LIGHT, 0) + 0.15 * pick.random(count)
        shade = SKYLIGHT * (0.8 + out[:, 1:2])
        light = hazed(hue * (SUNLIGHT * glow[:, None] * 1.5 + shade), foot)
        sizes = tall * pick.uniform(0.06, 0.13, count)
        for spot, size, tone in zip(spots, sizes, light, strict=True):
            self._layer.blob(spot, float(size), tone)

    def _fir(self, foot: Point, tall: float, pick: np.random.Generator) -> None:
        """Draw a conifer: ragged tiers, one side in the sun and one in the shade."""
        x, y, z = foot
        tone = np.array([0.035, 0.075, 0.045]) * pick.uniform(0.7, 1.4)
        sides = [
            (side, hazed(tone * (SUNLIGHT * glow + SKYLIGHT * 1.1), foot))
            for side, glow in ((-1.0, 1.1), (1.0, 0.12))
        ]
        tiers = int(np.clip(2.308 * self._view.focus / z, 4, 12))
        for tier in range(tiers):
            low, share = tall * (0.08 + 0.86 * tier / tiers), 1 - tier / tiers
            wide = tall * (0.21 * share + 0.02) * pick.uniform(0.8, 1.2)
            peak = low + tall * 1.9 / tiers
            for side, light in sides:
                sag = low - tall * 0.03 * pick.random()
                spike = [
                    (x, y + peak, z),
                    (x, y + low, z),
                    (x + side * wide, y + sag, z),
                ]
                self._layer.flat(spike, light)
