"""Lists with a number for each of several styles: their shares and their scales."""

import math
from collections.abc import Sequence

from ..errors import UsageError
from ..text import counted


def shares(blend: Sequence[float] | None, styles: int) -> tuple[float, ...]:
    """Compute the share of each of `styles` from their relative weights.

    Returns:
        Numbers that add up to 1; all the same if `blend` is None.

    Raises:
        UsageError: If there are more or fewer weights than styles.
    """
    if blend is None:
        return (1 / styles,) * styles
    if len(blend) != styles:
        raise UsageError(
            f"got {counted(len(blend), 'number')} in --blend for "
            f"{counted(styles, 'style')}: give one per style"
        )
    total = sum(blend)
    return tuple(weight / total for weight in blend)


def scales(scale: float | Sequence[float], styles: int) -> tuple[float, ...]:
    """Return the scale of each of `styles`.

    Raises:
        UsageError: If there are several scales, and more or fewer than styles.
    """
    if not isinstance(scale, Sequence):
        return (scale,) * styles
    if len(scale) != styles:
        raise UsageError(
            f"got {counted(len(scale), 'number')} in --style-scale for "
            f"{counted(styles, 'style')}: give one for all, or one per style"
        )
    return tuple(scale)


def longest(scale: float | Sequence[float], size: int) -> int:
    """Return the longest side at which any style is seen in a picture of `size`."""
    most = max(scale) if isinstance(scale, Sequence) else scale
    return math.ceil(size * max(1.0, most))
