"""Weights of each position of the network in each region, from masks of a picture."""

import numpy as np

from .. import contract
from ..arrays import Array
from ..errors import UsageError


def guides(masks_rhw: Array) -> dict[str, Array]:
    """Return the weights of each block's positions, as feeds of the guided graphs.

    Args:
        masks_rhw: Masks at the size of the picture, (R, H, W).

    Returns:
        An array (R, 1, h, w) for each block, whose sum is 1 for each region.

    Raises:
        UsageError: If a mask is 0 everywhere.
    """
    totals = masks_rhw.sum(axis=(1, 2), dtype=np.float64)
    if not totals.all():
        raise UsageError(
            "a mask is black all over: paint the part that it selects white"
        )
    feeds: dict[str, Array] = {}
    for number, level in enumerate(levels(masks_rhw), start=1):
        totals = level.sum(axis=(1, 2), dtype=np.float64)[:, None, None]
        shares = (level / totals).astype(np.float32)
        feeds[contract.guide(number)] = shares[:, None]
    return feeds


def levels(masks_rhw: Array) -> list[Array]:
    """Return masks (R, H, W) at the size of each block; the first is unchanged."""
    found = [masks_rhw]
    while len(found) < contract.block(contract.LAYERS[-1]):
        found.append(_halved(found[-1]))
    return found


def _halved(level: Array) -> Array:
    """Return means of 2 × 2 positions.

    Poolings ignore an odd edge. Here it counts with the lines beside it, whose features
    see it; otherwise a region that covers nothing but the edge would be lost.
    """
    for axis in (1, 2):
        length = level.shape[axis]
        starts = np.arange(0, length // 2 * 2, 2)
        counts = np.diff(starts, append=length).astype(np.float32)
        sums: Array = np.add.reduceat(level, starts, axis)
        level = sums / (counts[:, None] if axis == 1 else counts)
    return level
