"""Features that lie with the workers, band by band, until somebody looks at them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import FloatArray
from ..engine.strips import Tiling


@dataclass(frozen=True, eq=False)
class Source:
    """The picture that features were computed of.

    Attributes:
        image: The picture, (1, 3, H, W); what is lost with a worker is made again.
        tiling: How it is cut.
        token: Number under which workers keep the features.
    """

    image: FloatArray
    tiling: Tiling
    token: int


@dataclass(frozen=True, eq=False)
class Spread:
    """An array of features, (1, C, h, w), as far as the driver needs one.

    Attributes:
        source: What they are features of.
        name: Name of the features.
        shape: Shape of the array.
        total: Sum of all values, in float64.
        gather: Returns the array.
    """

    source: Source
    name: str
    shape: tuple[int, ...]
    total: float
    gather: Callable[["Spread"], FloatArray]

    def sum(self, **_: Any) -> float:
        """Return the sum of all values."""
        return self.total

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        """Return the whole array, which is copied from the workers."""
        return np.asarray(self.gather(self), dtype)
