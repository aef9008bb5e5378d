"""What a style is taken to be, and the metric that follows for its Gram matrices.

``gram`` is Gatys'. Its loss is of the fourth power in the features, so that the few
strongest directions among them have nearly all of the gradient, and the others the rest
of the iterations. ``gaussian`` takes the features of a layer for a Gaussian, as the
Wasserstein-2 distance of crowsonkb's style-transfer-pytorch does. Departure from that
distance: near the style, with Gram matrices G and A (second moments, mean included),

    W₂² ≈ ½ Σ (G − A)²ᵢⱼ / (λᵢ + λⱼ) ≈ ¼ ‖A^-¼ (G − A) A^-¼‖²

in the eigenvectors of A with its eigenvalues λ (of the Bures metric: Bhatia, Jain and
Lim, arXiv:1712.01504; the second step is the geometric mean for the arithmetic). That
is quadratic in G, as the Gram loss is, needs no matrix roots in the graph and made the
same pictures; textures have whole suns and trees where those of ``gram`` have pieces.

``match`` compares features with the nearest of the style.
"""

from typing import Final

import numpy as np

from ..arrays import Array

#: What is added to the eigenvalues, relative to their mean: directions that the style
#: has next to nothing of would count without bounds.
_RIDGE: Final = 0.1

#: With this factor, one style weight looks alike with ``gram`` and ``gaussian``.
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
