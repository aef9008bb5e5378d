"""A picture of loss against seconds (or evaluations), drawn with Pillow alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

#: A place in the picture; or seconds (or evaluations) and the loss.
Point = tuple[float, float]

COLOURS: Final = ("#1f6fb4", "#d9662b", "#3f9b56")
INK, GRID, PAPER = "#333333", "#e4e4e4", "#ffffff"

#: Of a panel, in pixels; the margins are left, top, right, bottom.
WIDTH, HEIGHT = 720, 480
MARGINS: Final = (90, 50, 30, 60)
FONT_SIZE: Final = 17

#: It is drawn that many times as large, because Pillow draws lines with hard edges.
SCALE: Final = 2


@dataclass(frozen=True)
class Curve:
    """A contender's losses."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """One race."""

    title: str
    curves: Sequence[Curve]


def save_chart(path: Path, panels: Sequence[Panel], x_label: str = "seconds") -> None:
    """Draw the panels side by side, each with its own axes, and save them.

    Args:
        path: The file; its suffix says which format.
        panels: Losses have to be positive; curves without points are left out.
        x_label: What the horizontal axis counts.
    """
    size = (WIDTH * len(panels) * SCALE, HEIGHT * SCALE)
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_SIZE * SCALE)
    for number, panel in enumerate(panels):
        _Axes(draw, font, number * WIDTH, panel, x_label).draw_all()
    image.reduce(SCALE).save(path)


def ticks(least: float, greatest: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `least` to `greatest`, evenly spaced."""
    raw = (greatest - least) / count or 1.0
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first = math.ceil(least / step)
    return [step * n for n in range(first, math.floor(greatest / step) + 1)]


def log_ticks(least: float, greatest: float) -> list[float]:
    """1, 2 and 5 times powers of ten from `least` to `greatest`."""
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(greatest)) + 1)
    every = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return [tick for tick in every if least <= tick <= greatest]


class _Axes:
    """One panel: where a point lies, and everything that is drawn around it."""

    def __init__(
        self,
        draw: ImageDraw.ImageDraw,
        font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
        offset: int,
        panel: Panel,
        x_label: str,
    ) -> None:
        self.draw, self.font, self.panel, self.x_label = draw, font, panel, x_label
        self.curves = [curve for curve in panel.curves if curve.points]
        points = [point for curve in self.curves for point in curve.points]
        self.x_most = max((x for x, _ in points), default=1.0)
        losses = [loss for _, loss in points] or [1.0]
        self.least, self.most = min(losses) / 1.1, max(losses) * 1.1
        left, top, right, bottom = MARGINS
        self.left, self.right = offset + left, offset + WIDTH - right
        self.top, self.bottom = top, HEIGHT - bottom

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * value / self.x_most

    def y(self, loss: float) -> float:
        share = math.log(loss / self.least) / math.log(self.most / self.least)
        return self.bottom - (self.bottom - self.top) * share

    def draw_all(self) -> None:
        self._grid()
        for number, curve in enumerate(self.curves):
            colour = COLOURS[number % len(COLOURS)]
            path = [(self.x(x), self.y(loss)) for x, loss in curve.points]
            self._line(path, colour, 2.5)
            self._key(number, curve.name, colour)

    def _grid(self) -> None:
        for loss in log_ticks(self.least, self.most):
            y = self.y(loss)
            self._line([(self.left, y), (self.right, y)], GRID)
            self._text((self.left - 8, y), f"{loss:.0e}".replace("e+", "e"), "rm")
        for value in ticks(0, self.x_most):
            x = self.x(value)
            self._line([(x, self.bottom), (x, self.bottom + 5)], INK)
            self._text((x, self.bottom + 8), f"{value:g}", "mt")
        corner = (self.left, self.bottom)
        self._line([(self.left, self.top), corner, (self.right, self.bottom)], INK)
        self._text(((self.left + self.right) / 2, HEIGHT - 10), self.x_label, "mb")
        self._text((self.left, self.top - 12), f"loss, {self.panel.title}", "lb")

    def _key(self, number: int, name: str, colour: str) -> None:
        y = self.top + 18 + 24 * number
        x = self.right - 10 - self.draw.textlength(name, font=self.font) / SCALE
        self._line([(x - 40, y), (x - 10, y)], colour, 2.5)
        self._text((x, y), name, "lm")

    def _line(self, places: list[Point], colour: str, width: float = 1) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in places]
        thickness = round(width * SCALE)
        self.draw.line(scaled, fill=colour, width=thickness, joint="curve")

    def _text(self, place: Point, text: str, anchor: str) -> None:
        scaled = (place[0] * SCALE, place[1] * SCALE)
        self.draw.text(scaled, text, fill=INK, font=self.font, anchor=anchor)
