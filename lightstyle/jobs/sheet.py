"""Lays out a contact sheet: one picture painted with several settings, side by side.

Each cell is the result of a run with its settings, pixel for pixel, and a label below
it says what varies.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..arrays import Array, Size
from ..errors import UsageError
from ..losses.weights import Balance
from ..settings.settings import Settings
from ..text import printable
from .vary import Axis

#: Most pixels of a sheet; it takes about 30 bytes of memory for each.
MAXIMUM_PIXELS: Final = 50_000_000

#: Strengths on a sheet on which nothing else varies; and, where weights are given,
#: factors of the style's.
_STRENGTHS: Final = (0.25, 0.5, 0.75, 1.0)
_FACTORS: Final = (0.01, 0.1, 1.0, 10.0)

#: Least width of a cell in pixels, so that its label can be read.
_NARROWEST: Final = 160

#: Grey levels of the background, of labels, and of cells without a picture.
_PAPER, _INK, _EMPTY = 255, 32, 224


@dataclass(frozen=True)
class Cell:
    """A place on a sheet.

    Attributes:
        settings: Settings of its picture.
        label: A line for each axis, with the axis' value here.
    """

    settings: Settings
    label: str


def default_axis(settings: Settings) -> Axis:
    """Vary what changes a picture most: how strong the style is."""
    if settings.dial is not None:
        return Axis("strength", {f"{each:g}": each for each in _STRENGTHS})
    weight = Balance.of(settings).style
    values = [weight * factor for factor in _FACTORS]
    return Axis("style_weight", {f"{value:g}": value for value in values})


def cells(settings: Settings, axes: Sequence[Axis]) -> list[Cell]:
    """Combine all values of all axes; those of the first vary fastest, along a row.

    Raises:
        UsageError: The values of a combination do not go together.
    """
    others = [*reversed(axes)]
    made = []
    for chosen in itertools.product(*(axis.values.items() for axis in others)):
        pairs = [*zip(others, chosen, strict=True)]
        values = {axis.name: value for axis, (_, value) in pairs}
        texts = [
            printable(f"{axis.option} {text}") for axis, (text, _) in reversed(pairs)
        ]
        made.append(Cell(settings.changed(values), "\n".join(texts)))
    return made


class Sheet:
    """Places cells on a sheet and draws it.

    Attributes:
        size: Width and height of the sheet in pixels.
    """

    def __init__(
        self, cells: Sequence[Cell], columns: int, sizes: Sequence[Size]
    ) -> None:
        """Lay out the sheet.

        Args:
            cells: The cells, row by row.
            columns: Number of cells in a row.
            sizes: Width and height of each cell's picture.

        Raises:
            UsageError: The sheet would be too large.
        """
        self._cells, self._columns = cells, columns
        self._width = max(_NARROWEST, *(width for width, _ in sizes))
        self._height = max(height for _, height in sizes)
        self._gap = max(8, self._width // 40)
        font_size = max(12, self._width // 30)
        self._font = ImageFont.load_default(size=font_size)
        self._line = font_size * 4 // 3
        self._labels = [self._wrapped(cell.label) for cell in cells]
        below = self._gap // 2 + self._line * max(map(len, self._labels))
        across = self._width + self._gap
        down = self._height + below + self._gap
        self._pitch = across, down
        rows = math.ceil(len(cells) / columns)
        self.size = columns * across + self._gap, rows * down + self._gap
        if math.prod(self.size) > MAXIMUM_PIXELS:
            raise UsageError(
                f"the sheet would have {self.size[0]}x{self.size[1]} pixels, but "
                f"{MAXIMUM_PIXELS / 1e6:g} megapixels are the most: choose a smaller "
                "size or fewer values"
            )

    def place(self, number: int) -> tuple[int, int]:
        """Return left and top of the picture of a cell, by its number from 0."""
        row, column = divmod(number, self._columns)
        return self._gap + column * self._pitch[0], self._gap + row * self._pitch[1]

    def drawn(
        self, pictures: Mapping[int, NDArray[np.uint8]]
    ) -> tuple[Array, Array | None]:
        """Draw the sheet.

        Args:
            pictures: (H, W, 3), or (H, W, 4) with alpha, 0…255, by the number of their
                cell. Cells without a picture are grey.

        Returns:
            The sheet, (H, W, 3), 0…255, and its alpha, (H, W), 0…255, if a picture has
            some.
        """
        has_alpha = any(levels.shape[2] == 4 for levels in pictures.values())
        mode = "RGBA" if has_alpha else "RGB"
        paper = Image.new(mode, self.size, (_PAPER,) * 3)
        draw = ImageDraw.Draw(paper)
        for number, lines in enumerate(self._labels):
            left, top = self.place(number)
            if number not in pictures:
                corner = left + self._width - 1, top + self._height - 1
                draw.rectangle((left, top, *corner), fill=(_EMPTY,) * 3)
            top += self._height + self._gap // 2
            for line in lines:
                draw.text((left, top), line, (_INK,) * 3, self._font)
                top += self._line
        for number, levels in pictures.items():
            paper.paste(Image.fromarray(levels), self.place(number))
        levels_hwc = np.array(paper, np.float32)
        return levels_hwc[..., :3], levels_hwc[..., 3] if has_alpha else None

    def _wrapped(self, label: str) -> list[str]:
        return [part for line in label.splitlines() for part in self._broken(line)]

    def _broken(self, line: str) -> Iterator[str]:
        """Break `line` to the width of a cell, after a space or comma if possible."""
        while self._font.getlength(line) > self._width:
            fits = next(
                n
                for n in range(len(line) - 1, 0, -1)
                if n == 1 or self._font.getlength(line[:n]) <= self._width
            )
            after = max(line.rfind(mark, 0, fits) for mark in " ,") + 1
            yield line[: after or fits]
            line = line[after or fits :]
        yield line
