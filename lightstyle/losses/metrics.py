"""The metric in which each style loss compares Gram matrices.

A new loss is a word of `settings.choices.StyleLoss` and a row of `METRICS`. Layers that
a loss compares position by position are found by `matching`.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ..arrays import Array
from ..settings.choices import StyleLoss
from . import gaussian

#: Computes P, (C, C) and symmetric, from a target A: ‖P (G − A) P‖² is the loss of the
#: Gram matrix G.
Metric = Callable[[Array], Array]

#: Metrics by style loss; `None` where Gram matrices are compared as they are.
METRICS: Final[Mapping[str, Metric | None]] = {
    StyleLoss.GRAM: None,
    StyleLoss.GAUSSIAN: gaussian.metric,
    StyleLoss.MATCH: None,
}


def identity(gram: Array) -> Array:
    """Return the metric of Gram matrices as they are, (C, C)."""
    return np.eye(len(gram), dtype=np.float32)
