"""Weights of the terms of the loss: of its three parts, and shared among layers.

With any fixed weights some layer has most of the gradient, by a factor that depends on
the style image. What the field calls "normalise gradients" (neural-style's
``-normalize_gradients``) rescales the gradient of each layer at every evaluation, and
the result is no loss's gradient. `balanced` finds weights once, at the start of a
level, and keeps them: it is one loss, on which the optimiser may rely.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import hypot
from typing import Annotated, Self

import numpy as np

from .. import contract
from ..arrays import Array
from ..engine.model import Model
from ..errors import UsageError
from ..settings.scalars import number
from ..settings.settings import CONTENT_WEIGHT, STYLE_WEIGHT, Settings
from .objective import Objective
from .targets import Targets

_Weight = Annotated[float, number(0)]


@dataclass(frozen=True)
class Balance:
    """Weights of the three parts of the loss, for pictures of 512 × 512.

    Attributes:
        content: Weight of the content loss.
        style: Weight of the style loss.
        tv: Weight of the total variation.
    """

    content: _Weight
    style: _Weight
    tv: _Weight

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the weights that settings give, with defaults for missing ones."""
        given = settings.content_weight, settings.style_weight, settings.tv_weight
        defaults = CONTENT_WEIGHT, STYLE_WEIGHT, 0.0
        pairs = zip(given, defaults, strict=True)
        return cls(*(usual if weight is None else weight for weight, usual in pairs))


def term_weights(
    model: Model,
    settings: Settings,
    targets: Targets,
    start: Array,
    balance: Balance | None = None,
) -> dict[str, float]:
    """Compute the weight of every term that `targets` have.

    Departure from Gatys et al., who have one size: the sums of the content term and of
    the total variation grow with the picture, the style term does not. They are scaled
    to what they would be at 512 × 512, so that one setting means the same at each size.

    Args:
        model: Evaluates, if style layers are balanced.
        settings: Give the shares of the layers.
        targets: Of a level.
        start: (1, 3, H, W), the picture at which style layers are balanced.
        balance: Weights of the parts of the loss; by default those that the settings
            give.

    Raises:
        UsageError: If all weights are 0.
    """
    area = contract.REFERENCE_SIDE**2 / (start.shape[2] * start.shape[3])
    balance = balance or Balance.of(settings)
    content, style = balance.content * area, balance.style
    factors = {contract.TV_LOSS: balance.tv * area}
    for layer, share in settings.content_layers.shares().items():
        factors[contract.content_loss(layer)] = content * share
    for layer, share in settings.style_layers.shares().items():
        factors[contract.style_loss(layer)] = style * share
    weights = {name: factors[name] * term.scale for name, term in targets.terms.items()}
    if not any(weights.values()):
        raise UsageError("all weights are 0: nothing is left to minimise")
    if not settings.balance_layers:
        return weights

    def norm(term: str) -> float:
        _, gradient = Objective(model, targets, {term: 1.0})(start.ravel())
        return float(np.linalg.norm(gradient.astype(np.float64)))

    names = map(contract.style_loss, settings.style_layers.used)
    styles = {name: weights[name] for name in names if name in weights}
    return weights | balanced(styles, norm)


def balanced(
    weights: Mapping[str, float], norm: Callable[[str], float]
) -> dict[str, float]:
    """Compute weights with which the gradients of all terms have the same norm.

    Weights of 0 stay 0. The sum of the squares of the norms is kept, so that content
    and style keep their proportion.

    Args:
        weights: Weight of each term.
        norm: Computes the norm of a term's gradient at weight 1, by the term's name.

    Returns:
        The new weights. A term without a gradient keeps its own.
    """
    norms = {term: norm(term) for term, weight in weights.items() if weight > 0}
    pulling = {term: value for term, value in norms.items() if value > 0}
    total = hypot(*(weights[term] * value for term, value in pulling.items()))
    each = total / len(pulling) ** 0.5 if pulling else 0.0
    return {**weights, **{term: each / value for term, value in pulling.items()}}
