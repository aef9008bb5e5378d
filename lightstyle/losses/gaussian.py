"""The metric of style loss ``gaussian``, which compares features as Gaussians.

The Gram loss of Gatys et al. is of the fourth power in the features: a few strong
directions have nearly all of its gradient. ``gaussian`` models the features of a layer
as a Gaussian, as the Wasserstein-2 distance of crowsonkb's style-transfer-pytorch does.
Departure from that distance: near the style, with Gram matrices G and A (second
moments, mean included),

    W₂² ≈ ½ Σ (G − A)²ᵢⱼ / (λᵢ + λⱼ) ≈ ¼ ‖A^-¼ (G − A) A^-¼‖²

in the eigenvectors of A with its eigenvalues λ (from the Bures metric: Bhatia, Jain and
Lim, arXiv:1712.01504; the second step replaces the arithmetic mean by the geometric
mean). This is quadratic in G like the Gram loss, needs no matrix roots in the graph and
made the same pictures. Textures have whole suns and trees where ``gram`` has pieces.
"""

from typing import Final

import numpy as np

from ..arrays import Array

#: Added to the eigenvalues, relative to their mean: without it, directions that the
#: style hardly has would have unbounded weight.
_RIDGE: Final = 0.1

#: With this factor, the same style weight looks alike with ``gram`` and ``gaussian``.
_STRENGTH: Final = 0.003


def metric(gram: Array) -> Array:
    """Compute P, with which ‖P (G − A) P‖² is the loss of a Gram matrix G.

    Args:
        gram: The target A, (C, C).

    Returns:
        (C, C), symmetric.
    """
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    values = np.maximum(values, 0)
    raised = values + _RIDGE * values.mean()
    if not raised.any():  # a layer that sees nothing in the style
        return np.eye(len(gram), dtype=np.float32)
    root = (vectors * raised**-0.25) @ vectors.T
    # ‖A‖ gives the loss the dimension that Gram's has.
    scale = (_STRENGTH / 4 * np.linalg.norm(values)) ** 0.25
    found: Array = (scale * (root + root.T) / 2).astype(np.float32)
    return found
