"""What each position of the network counts in each region, from masks of a picture."""

import numpy as np

from .. import contract
from ..arrays import Array
from ..errors import UsageError


def guides(masks_rhw: Array) -> dict[str, Array]:
    """Feeds of the guided graphs: what each position of each block counts.

    Args:
        masks_rhw: (R, H, W), at the size of the picture.

    Returns:
        For each block (R, 1, h, w), whose sum is 1 for each region.

    Raises:
        UsageError: A mask is 0 everywhere.
    """
    totals = masks_rhw.sum(axis=(1, 2), dtype=np.float64)
    if not totals.all():
        raise UsageError("a mask is black all over: nothing is meant by it")
    feeds: dict[str, Array] = {}
    for number, level in enumerate(levels(masks_rhw), start=1):
        totals = level.sum(axis=(1, 2), dtype=np.float64)[:, None, None]
        shares = (level / totals).astype(np.float32)
        feeds[contract.guide(number)] = shares[:, None]
    return feeds


def levels(masks_rhw: Array) -> list[Array]:
    """Masks (R, H, W) at the size of each block, the first of which has their own."""
    found = [masks_rhw]
    while len(found) < contract.block(contract.LAYERS[-1]):
        found.append(_halved(found[-1]))
    return found


def _halved(level: Array) -> Array:
    """Means of 2 × 2 positions.

    Poolings leave out an odd edge. Here it counts with the lines beside it, whose
    features see it: a region that is there only would be lost.
    """
    for axis in (1, 2):
        length = level.shape[axis]
        starts = np.arange(0, length // 2 * 2, 2)
        counts = np.diff(starts, append=length).astype(np.float32)
        sums: Array = np.add.reduceat(level, starts, axis)
        level = sums / (counts[:, None] if axis == 1 else counts)
    return level
