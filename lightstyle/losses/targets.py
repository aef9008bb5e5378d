"""The target that several styles share."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array


def blended(styles: Iterable[tuple[float, Mapping[str, Array]]]) -> dict[str, Array]:
    """The common target of styles: the mean of their Gram matrices.

    A term of the loss for each style k, with shares b_k that add up to 1, would be the
    same loss for as many times the work. By bias and variance,

        Σ_k b_k ‖G − A_k‖² = ‖G − Σ_k b_k A_k‖² + Σ_k b_k ‖A_k − Σ_j b_j A_j‖²,

    where the last sum does not depend on the picture: the gradient, and with it every
    picture, is the same. So there is one term, with the target Σ_k b_k A_k.

    That holds for a narrowed network, too. Its targets are R S Rᵀ, linear in the second
    moments S of [z; 1], its features and a one; the moment of the one is 1 in every
    style, and in their mean because the shares add up to 1.

    Args:
        styles: Share and Gram matrices, by feed, of each.

    Returns:
        Matrices by feed, none of no styles. Of one style they are its own, bit for bit.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    for share, grams in styles:
        for name, gram in grams.items():
            sums[name] = sums.get(name, np.float64(0)) + share * gram.astype(np.float64)
    return {name: total.astype(np.float32) for name, total in sums.items()}
