"""Maps the features z of a narrowed network to VGG19's: F ≈ E z + e."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Embedding:
    """An affine map from a layer's k features to VGG19's C, in two forms.

    Losses are distances between two pictures, of E z + e or of its Gram matrices. Both
    stay the same if [E e] is replaced by the factor R of its QR decomposition, because
    Q is orthogonal. R has k + 1 rows where E has C, so the losses use R.

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
        """Return the arrays by the last part of their names in a model."""
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
