"""Turns the samples of arrays and files into levels."""

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..errors import ImageError


def grey_levels(values: NDArray[np.generic], name: str) -> Array:
    """Scale samples of any usable type to levels, 0..255.

    Args:
        values: uint8 (0..255), uint16 (0..65535) or floats (0..1), any shape.
        name: What an error message calls the picture.

    Raises:
        ImageError: If the type is another, or a float is NaN or outside 0..1.
    """
    kind, width = values.dtype.kind, values.dtype.itemsize
    if kind == "u" and width <= 2:
        return np.asarray(values, np.float32) / np.float32(1 if width == 1 else 257)
    if kind != "f":
        raise ImageError(
            f"{name}: the samples are {values.dtype}, expected uint8, uint16 or floats "
            "from 0 to 1"
        )
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # true of NaN too
        raise ImageError(
            f"{name}: the samples go from {low:g} to {high:g}, expected 0 to 1"
        )
    return np.asarray(values, np.float32) * np.float32(255)


def hidden(alpha_hw: Array | None, name: str) -> tuple[str, ...]:
    """Return a note if a picture with this alpha shows nothing."""
    if alpha_hw is None or alpha_hw.max() >= 0.5:
        return ()
    return (f"{name} is transparent all over: nothing of it is seen",)
