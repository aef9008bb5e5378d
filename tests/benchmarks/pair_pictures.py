"""Pictures of the results of `pairs`: a contact sheet, and a plot of the balance."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tests.benchmarks.chart import COLOURS, FONT_SIZE, GRID, INK, PAPER, SCALE, ticks

#: Pixels between the pictures of a sheet, and the height of a line of text.
_GAP, _LINE = 6, 18

#: Of the plot: width, height, and margins left, top, right, bottom.
_WIDTH, _HEIGHT = 860, 640
_MARGINS: Final = (80, 30, 30, 60)

#: Curves and points beyond the chart's colours.
_COLOURS: Final = (*COLOURS, "#8a4fa3", "#b8860b", "#008b8b", "#c2185b", "#5d4037")

Point = tuple[float, float]


def save_sheet(
    path: Path, columns: Sequence[str], rows: Mapping[str, Sequence[Path | None]]
) -> None:
    """Save a table of pictures.

    Args:
        path: The file.
        columns: What stands above the columns.
        rows: What stands above each row, and its pictures; None leaves a gap. The
            pictures of a row are brought to the size of the smallest.
    """
    font = ImageFont.load_default(_LINE * 3 // 4)
    strips = {name: _alike(paths) for name, paths in rows.items()}
    pictures = [each for strip in strips.values() for each in strip if each is not None]
    width, height = (
        max((each.size[axis] for each in pictures), default=1) for axis in (0, 1)
    )
    headings = [textwrap.fill(name, max(8, width // 8)) for name in columns]
    above = _LINE * max(heading.count("\n") + 1 for heading in headings) + _GAP
    across, down = width + _GAP, height + _LINE + _GAP
    size = (across * len(columns) + _GAP, down * len(strips) + above + _GAP)
    paper = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(paper)
    for column, heading in enumerate(headings):
        draw.text((_GAP + column * across, _GAP // 2), heading, INK, font)
    for number, (name, row) in enumerate(strips.items()):
        top = above + number * down
        draw.text((_GAP, top), name, INK, font)
        for column, picture in enumerate(row):
            if picture is not None:
                paper.paste(picture, (_GAP + column * across, top + _LINE))
    paper.save(path)


def save_plot(
    path: Path,
    title: str,
    points: Mapping[str, Point],
    curves: Mapping[str, Sequence[str]],
) -> None:
    """Save a plot of structure kept against style reached.

    Args:
        path: The file.
        title: What the vertical axis is.
        points: Style reached and structure kept, by variant.
        curves: Variants that are joined in this order, by the name of their curve.
    """
    joined = {name for names in curves.values() for name in names}
    groups = {**curves, **{name: [name] for name in points if name not in joined}}
    size = (_WIDTH * SCALE, _HEIGHT * SCALE)
    image = Image.new("RGB", size, PAPER)
    plot = _Plot(ImageDraw.Draw(image), [*points.values()])
    plot.grid(title)
    for number, names in enumerate(groups.values()):
        colour = _COLOURS[number % len(_COLOURS)]
        plot.curve({name: points[name] for name in names}, colour)
    image.reduce(SCALE).save(path)


def _alike(paths: Sequence[Path | None]) -> list[Image.Image | None]:
    """Open pictures, and make all as large as the smallest, in their proportions."""
    opened = [None if path is None else _opened(path) for path in paths]
    sizes = [picture.size for picture in opened if picture]
    box = min(sizes, default=(1, 1), key=math.prod)
    return [picture and ImageOps.contain(picture, box) for picture in opened]


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


class _Plot:
    """Where a point lies, and what is drawn there."""

    def __init__(self, draw: ImageDraw.ImageDraw, points: Sequence[Point]) -> None:
        self._draw = draw
        self._font = ImageFont.load_default(FONT_SIZE * SCALE)
        left, top, right, bottom = _MARGINS
        self._box = left, top, _WIDTH - right, _HEIGHT - bottom
        places = np.array(points or [(0, 0), (1, 1)])
        room = np.maximum(np.ptp(places, axis=0), 0.1) * 0.15
        self._least, self._most = places.min(axis=0) - room, places.max(axis=0) + room

    def grid(self, title: str) -> None:
        left, top, right, bottom = self._box
        for x in ticks(float(self._least[0]), float(self._most[0])):
            place = self._place((x, 0))[0]
            self._line([(place, top), (place, bottom)], GRID)
            self._text((place, bottom + 8), f"{x:.3g}", "mt")
        for y in ticks(float(self._least[1]), float(self._most[1])):
            place = self._place((0, y))[1]
            self._line([(left, place), (right, place)], GRID)
            self._text((left - 8, place), f"{y:.3g}", "rm")
        self._line([(left, top), (left, bottom), (right, bottom)], INK)
        self._text(((left + right) / 2, _HEIGHT - 10), "style reached", "mb")
        self._text((left, top - 8), title, "lb")

    def curve(self, points: Mapping[str, Point], colour: str) -> None:
        places = {name: self._place(point) for name, point in points.items()}
        if len(places) > 1:
            self._line([*places.values()], colour, 2.5)
        for name, (x, y) in places.items():
            corners = [SCALE * c for c in (x - 5, y - 5, x + 5, y + 5)]
            self._draw.ellipse(corners, fill=colour)
            # Beside the point, on the side where there is room.
            right = x > (self._box[0] + self._box[2]) / 2
            self._text((x - 9 if right else x + 9, y), name, "rm" if right else "lm")

    def _place(self, point: Point) -> Point:
        left, top, right, bottom = self._box
        x, y = (np.array(point) - self._least) / (self._most - self._least)
        return left + (right - left) * float(x), bottom - (bottom - top) * float(y)

    def _line(self, places: Sequence[Point], colour: str, width: float = 1) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in places]
        self._draw.line(scaled, fill=colour, width=round(width * SCALE), joint="curve")

    def _text(self, place: Point, text: str, anchor: str) -> None:
        scaled = (place[0] * SCALE, place[1] * SCALE)
        self._draw.text(scaled, text, fill=INK, font=self._font, anchor=anchor)
