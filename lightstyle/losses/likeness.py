"""How much of a content is lost in a picture, whatever its contrast and colours."""

from typing import Final

import numpy as np

from ..arrays import Array

#: Differences from a mean of 1 that come from rounding in float32.
_NOTHING: Final = 1e-6


def lost(features: Array, reference: Array, weights_hw: Array | None = None) -> float:
    """Compute one minus the correlation of features with the content's.

    The content loss grows with contrast, too: a dim photo in the style of an etching
    has lost more than an empty picture has. A correlation does not.

    Args:
        features: Features of the picture at a layer, (1, C, h, w).
        reference: Features of the content, the same shape.
        weights_hw: (h, w), how much a position counts; all count alike by default.

    Returns:
        0 for the content itself, about 1 for a picture that has nothing of it.
    """
    weights = np.ones(features.shape[2:]) if weights_hw is None else weights_hw
    weights = (weights / weights.sum()).astype(np.float64)
    both = (np.asarray(each)[0] for each in (features, reference))
    one, other = (_centred(each, weights) for each in both)
    shared, own, others = (
        float(np.sum(weights * np.sum(a * b, axis=0)))
        for a, b in ((one, other), (one, one), (other, other))
    )
    norm = (own * others) ** 0.5
    return 1 - shared / norm if norm else 0.0


def _centred(features: Array, weights: np.ndarray) -> np.ndarray:
    """Subtract the weighted mean of each channel; what rounding leaves is nothing."""
    mean = (features * weights).sum(axis=(1, 2), keepdims=True)
    centred: np.ndarray = features - mean
    centred[np.abs(centred) < _NOTHING * np.abs(mean)] = 0
    return centred
