"""What each position of the network counts in each region, from masks of a picture."""

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import UsageError

Array = NDArray[np.float32]


def guides(masks_rhw: Array) -> dict[str, Array]:
    """Feeds of the guided graphs: what each position of each block counts.

    Args:
        masks_rhw: (R, H, W), at the size of the picture.

    Raises:
        UsageError: A region is too small to have any position in the deepest block.
    """
    feeds: dict[str, Array] = {}
    for number, level in enumerate(levels(masks_rhw), start=1):
        totals = level.sum(axis=(1, 2), dtype=np.float64)[:, None, None]
        if not totals.all():
            raise UsageError(
                "a mask covers too little of its picture: expected some area of 16 "
                "pixels square, at the size that the picture has in the run"
            )
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
    """Means of 2 × 2 positions; an odd edge is left out, as poolings do."""
    regions, height, width = level.shape
    high, wide = height // 2, width // 2
    blocks = level[:, : 2 * high, : 2 * wide].reshape(regions, high, 2, wide, 2)
    means: Array = blocks.mean(axis=(2, 4))
    return means
