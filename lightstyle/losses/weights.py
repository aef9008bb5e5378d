"""Weights with which all style layers pull at the picture equally at the start.

With any fixed weights some layer has most of the gradient, by a factor that depends on
the painting. The option that the field calls "normalise gradients" (neural-style's
``-normalize_gradients``) rescales the gradient of each layer at every evaluation, after
which it is no loss's. Here the weights are found once, and stay: it is one loss, and
the optimiser may rely on it.
"""

from collections.abc import Callable, Mapping
from math import hypot


def balanced(
    weights: Mapping[str, float], norm: Callable[[str], float]
) -> dict[str, float]:
    """Weights of terms so that their gradients have the same norm.

    Those that are 0 stay so; it does not matter how large the others were, but for the
    sum of the squares of the norms, which is kept, so that content and style are to
    each other as they were.

    Args:
        weights: Of each term.
        norm: Of the gradient of a term with the weight 1, by its name.

    Returns:
        The new weights; those given, of terms that have no gradient.
    """
    norms = {term: norm(term) for term, weight in weights.items() if weight > 0}
    pulling = {term: value for term, value in norms.items() if value > 0}
    total = hypot(*(weights[term] * value for term, value in pulling.items()))
    each = total / len(pulling) ** 0.5 if pulling else 0.0
    return {**weights, **{term: each / value for term, value in pulling.items()}}
