"""The canvas of a picture: the picture in a frame, which is painted and then cut off.

Departure from Gatys et al. At the picture's border convolutions meet zeros in place of
neighbours, and each pooling drops the last line of an odd number. Painted to its very
edge, a picture gets a band of other colours there, and up to fifteen lines at the right
and at the bottom that no deep layer sees. Both lie in the frame instead. It begins as a
mirror image of the picture and is then free to change, as the picture is.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Size

#: Lines that the frame has at least on each side.
MARGIN: Final = 8

#: Sides of a canvas are multiples of this: four poolings halve it without a remainder.
MULTIPLE: Final = 16


@dataclass(frozen=True)
class Frame:
    """The frame around a picture.

    Attributes:
        size: Width and height of the picture.
    """

    size: Size

    @property
    def canvas(self) -> Size:
        """Width and height of the picture with its frame."""
        width, height = (
            -(-(side + 2 * MARGIN) // MULTIPLE) * MULTIPLE for side in self.size
        )
        return width, height

    def around(self, inside: Array) -> Array:
        """Return planes (…, H, W) with a mirror image around them, (…, h, w)."""
        pads = [(0, 0)] * (inside.ndim - 2) + [*self._pads[::-1]]
        framed: Array = np.pad(inside, pads, mode="reflect")
        return framed

    def inside(self, canvas: NDArray[Any]) -> NDArray[Any]:
        """Return a view of the picture in planes (…, h, w) of a canvas."""
        (left, _), (top, _) = self._pads
        width, height = self.size
        return canvas[..., top : top + height, left : left + width]

    @property
    def _pads(self) -> tuple[tuple[int, int], ...]:
        """Lines of the frame: left and right, top and bottom."""
        spare = (whole - own for whole, own in zip(self.canvas, self.size, strict=True))
        return tuple((lines // 2, lines - lines // 2) for lines in spare)


def framed(planes: Array) -> Array:
    """Return the canvas of a picture by itself: `Frame.around` planes (…, H, W)."""
    height, width = planes.shape[-2:]
    return Frame((width, height)).around(planes)
