"""How the features of a narrowed network estimate those of VGG19: F ≈ E z + e."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Embedding:
    """An affine map of a layer's k features into VGG19's C, and what losses see of it.

    Losses are distances: of E z + e between two pictures, or of the Gram matrices of
    E z + e. Both are the same with the factor R of the QR decomposition of [E e] in the
    place of [E e], as Q is orthogonal, and R has k + 1 rows where E has C.

    Attributes:
        matrix: E, (C, k).
        offset: e, (C,).
    """

    matrix: NDArray[Any]
    offset: NDArray[Any]

    @property
    def linear(self) -> NDArray[np.float32]:
        """The columns of R that belong to E, (k + 1, k)."""
        return self._factor[:, :-1].astype(np.float32)

    @property
    def constant(self) -> NDArray[np.float32]:
        """The column of R that belongs to e, (k + 1, 1)."""
        return self._factor[:, -1:].astype(np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Arrays by the last part of their names in a model."""
        return {
            "map": self.matrix,
            "offset": self.offset,
            "linear": self.linear,
            "constant": self.constant,
        }

    @cached_property
    def _factor(self) -> NDArray[np.float64]:
        both = np.column_stack([self.matrix, self.offset]).astype(np.float64)
        return np.linalg.qr(both).R
