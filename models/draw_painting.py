"""Paints the demo's style picture: thousands of brush strokes that follow a flow.

Strokes are painted from broad to fine. Each is a bundle of bristles with its own paint.
The thickness of the paint is kept beside its colour, so that the relief can be lit at
the end.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw
from scipy import ndimage

from models.draw_noise import Field, Reals
from models.draw_plan import NAMES, PAINTS, TALL, Plan, plan

#: From point to point of a stroke.
_STEP: Final = 0.0040


def painting(width: int = 1024) -> Image.Image:
    """Paint the picture, RGB, `width` × 25/32 `width` pixels."""
    canvas = _Canvas(2 * width, plan(2 * width), seed=12)
    canvas.cover(spacing=0.0130, wide=0.024, long=0.15)
    canvas.cover(spacing=0.0105, wide=0.017, long=0.11)
    canvas.cover(spacing=0.0135, wide=0.011, long=0.085)
    return canvas.finish(width)


class _Canvas:
    """Holds paint and its thickness, at twice the size of the finished picture."""

    def __init__(self, width: int, intent: Plan, seed: int) -> None:
        size = (width, int(width * TALL))
        self._paint = Image.new("RGB", size, "#3a3226")
        self._thick = Image.new("L", size, 60)
        self._pens = ImageDraw.Draw(self._paint), ImageDraw.Draw(self._thick)
        self._width, self._plan = width, intent
        self._random = np.random.default_rng(seed)
        # A small canvas has fewer bristles, and yet the same strokes.
        self._bristles = np.random.default_rng(seed + 1)

    def cover(self, spacing: float, wide: float, long: float) -> None:
        """Paint strokes everywhere, in random order; lengths in canvas widths."""
        spacing = max(spacing, 3 / self._width)  # denser than pixels shows nothing
        down, across = np.mgrid[0:TALL:spacing, 0:1:spacing]
        starts = np.stack([across.ravel(), down.ravel()], axis=1)
        starts += self._random.normal(0, spacing * 0.4, starts.shape)
        starts = self._random.permutation(starts)
        lengths = long * self._random.uniform(0.5, 1.2, len(starts))
        back, ahead = self._walk(starts, lengths, -1), self._walk(starts, lengths, 1)
        cells = self._cells(starts)
        looks = zip(self._plan.region[cells], self._plan.tone[cells], strict=True)
        for before, after, (region, tone) in zip(back, ahead, looks, strict=True):
            path = np.concatenate([before[:0:-1], after])
            self._stroke(path, wide, int(region), float(tone))

    def _walk(
        self, starts: Reals, lengths: Reals, way: int
    ) -> list[NDArray[np.float64]]:
        """Follow the flow from each start, up to half the length or another region."""
        region = self._plan.region[self._cells(starts)]
        alive = np.ones(len(starts), bool)
        spots, steps = [starts], np.ones(len(starts), int)
        for step in range(1, int(lengths.max() / _STEP / 2) + 1):
            turn = self._plan.heading[self._cells(spots[-1])]
            ahead = np.stack([np.cos(turn), np.sin(turn)], axis=1)
            spots.append(spots[-1] + way * _STEP * ahead)
            alive &= self._plan.region[self._cells(spots[-1])] == region
            alive &= step * _STEP * 2 <= lengths
            steps += alive
        paths = np.stack(spots, axis=1)
        return [path[:count] for path, count in zip(paths, steps, strict=True)]

    def _cells(self, spots: Reals) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, columns = self._plan.region.shape
        cells = (spots * columns).astype(np.int64)
        return np.clip(cells[:, 1], 0, rows - 1), np.clip(cells[:, 0], 0, columns - 1)

    def _stroke(
        self, path: NDArray[np.float64], wide: float, region: int, tone: float
    ) -> None:
        """Paint a stroke: bristles side by side, the outer ones shorter and drier."""
        colour, load = self._mixed(region, tone), self._random.uniform(95, 190)
        girth = wide * self._random.uniform(0.7, 1.2)
        if NAMES[region] in ("wood", "sun"):
            girth *= 0.75
        if len(path) < 3:
            return
        pick, count = self._bristles, max(3, int(girth * self._width * 0.3125))
        place = np.linspace(-1, 1, count)
        worn = 0.55 * girth * (1 - np.sqrt(1 - 0.96 * place**2)) / _STEP
        dry = pick.uniform(0, [0.13, 0.24], (count, 2)) * len(path)
        tints = colour * (1 + pick.normal(0, 0.085, (count, 1)))
        tints = np.clip(tints + pick.normal(0, 5, (count, 3)), 0, 255).astype(int)
        thick = load + 34 * np.abs(place) ** 3 + pick.normal(0, 22, count)
        lines = self._side_by_side(path, girth, place)
        for line, (first, last), tint, paint in zip(
            lines, (worn[:, None] + dry).astype(int), tints, thick, strict=True
        ):
            self._bristle(line[first : len(path) - last], tint, paint)

    def _side_by_side(
        self, path: NDArray[np.float64], girth: float, place: Reals
    ) -> NDArray[np.float64]:
        """The lines of bristles at places from -1 to 1 across a stroke, in pixels."""
        ahead = np.gradient(path, axis=0)
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        aside /= np.maximum(np.hypot(*aside.T), 1e-9)[:, None]
        swell = np.sin(np.linspace(0.25, 0.80, len(path)) * np.pi) ** 0.6
        spread = place[:, None, None] * girth / 2 * (aside * swell[:, None])
        return np.asarray((path + spread) * self._width)

    def _bristle(
        self, line: NDArray[np.float64], tint: NDArray[np.int64], thick: float
    ) -> None:
        if len(line) < 2:
            return
        points, size = line.ravel().tolist(), max(2, round(self._width / 2048 * 3.6))
        fill = (int(tint[0]), int(tint[1]), int(tint[2]))
        self._pens[0].line(points, fill=fill, width=size, joint="curve")
        self._pens[1].line(points, fill=int(np.clip(thick, 0, 255)), width=size)

    def _mixed(self, region: int, tone: float) -> NDArray[np.float64]:
        """Paint of a stroke: near the plan's tone, now and then far from it."""
        paints = PAINTS[NAMES[region]]
        stray = 0.11 if self._random.random() < 0.85 else 0.4
        place = np.clip(tone + self._random.normal(0, stray), 0, 1) * (len(paints) - 1)
        low = int(min(place, len(paints) - 2))
        share = np.round((place - low) * 3) / 3
        first, second = (
            np.array(ImageColor.getrgb(p), float) for p in paints[low : low + 2]
        )
        return np.asarray(first * (1 - share) + second * share)

    def finish(self, width: int) -> Image.Image:
        """Light the relief from the upper left and return the picture."""
        colour = np.asarray(self._paint, np.float32)
        thick = np.asarray(self._thick, np.float32)
        fine = ndimage.gaussian_filter(thick, self._width / 2048 * 1.1)
        broad = ndimage.gaussian_filter(thick, self._width / 2048 * 4.5)
        slope = 0.7 * _raked(fine) + 1.6 * _raked(broad)
        slope *= self._width / 2048 / 17
        shade = 1 + 0.50 * np.tanh(slope)
        gloss = 46 * np.square(np.clip(np.tanh(slope), 0, 1))
        lit = np.clip(colour * shade[..., None] + gloss[..., None], 0, 255)
        rows = int(width * TALL)
        fine_levels = lit.reshape(rows, 2, width, 2, 3).mean(axis=(1, 3))
        return Image.fromarray(np.rint(fine_levels).astype(np.uint8))


def _raked(relief: Field) -> Field:
    """How much each place faces the light at the upper left."""
    down, across = np.gradient(relief)
    return np.asarray(across * 0.6 + down * 0.8, np.float32)
