"""Finds the weights with which a picture loses as much of its content as asked for.

How far apart a photo and a painting are, as the network sees them, differs by a factor
of 40 between pairs, so a fixed ratio of weights is too weak for one and too strong for
the next. What should be alike is the result. So a small picture is painted first, from
the content, in a few short descents; after each, the style's weight is corrected by how
much of the content is lost. Later, the weights are corrected once more after each level
of the run, since fine strokes cost more at larger sizes.
"""

import math
from typing import Final

import numpy as np

from .. import contract
from ..arrays import Array, Vector
from ..engine.model import Model
from ..errors import TransferError
from ..losses.objective import Losses, Objective
from ..losses.weights import Balance, term_weights
from ..optimize.minimize import minimize
from ..settings.settings import CONTENT_WEIGHT, STRENGTH, Settings
from .descent import method_of, targets_of
from .inputs import Inputs
from .levels import coarsest
from .plans import Plans
from .scene import Scene
from .structure import Structure

#: What of the content is lost at the default strength, and the power with which it
#: grows: equal steps of the strength look alike.
_LOST: Final = 0.19
_GROWTH: Final = 1.3

#: Number of descents; then the weight hardly changes.
_DESCENTS: Final = 4

#: Least and most evaluations of each, and evaluations of a run for each of them.
_EVALUATIONS: Final = (4, 8)
_RUN: Final = 12

#: What is lost of the content with the style alone, and the power of the style's weight
#: with which the odds of losing it, LOST/(_ALL - LOST), grow.
_ALL: Final = 0.65
_POWER: Final = 0.8

#: What is lost where both terms have the same scale, on average over pairs.
_USUAL: Final = 0.14

#: A short descent loses only so much of what a level will.
_SHORT: Final = 0.7

#: From this much more lost content than asked for, the next descent starts afresh.
_TOO_MUCH: Final = 1.3

#: Largest factor by which one descent, or a level, corrects the weight.
_LARGEST: Final = 4.0

#: Weight of the total variation relative to the content's, in pictures with this mean
#: of the squared differences, at ratio 1: enough to remove speckles, and no strokes. It
#: grows with the root of the ratio: as fast as the style's, it would blur strong ones.
_TV: Final = 0.004
_VARIATION: Final = 1000.0


def goal(strength: float) -> float:
    """Return how much of the content a strength, 0…1, allows to be lost."""
    return float(_LOST * (strength / STRENGTH) ** _GROWTH)


def found(model: Model, inputs: Inputs, plans: Plans) -> Balance:
    """Find the weights of a run.

    Args:
        model: Evaluates.
        inputs: Images and settings of the run.
        plans: Chooses the execution plans.

    Returns:
        The weights that the settings give, if they ask for no strength.

    Raises:
        TransferError: If a loss or a gradient is not finite.
    """
    settings = inputs.settings
    if settings.dial is None or not inputs.steered:
        return Balance.of(settings)
    size = coarsest(inputs.size)
    scene = Scene(inputs, size, max(size) / max(inputs.size))
    return _Search(model, scene, plans).balance(goal(settings.dial))


def corrected(balance: Balance, settings: Settings, share: float) -> Balance:
    """Correct weights after a level.

    Args:
        balance: The weights.
        settings: Settings of the run, with a strength.
        share: How much of the content is lost with these weights.
    """
    wanted = goal(settings.dial or 0.0)
    if not (wanted and share > 0):
        return balance
    ratio = _step(_odds(wanted) / _odds(share), _POWER)
    tv = balance.tv * ratio**0.5 if settings.tv_weight is None else balance.tv
    return Balance(balance.content, balance.style * ratio, tv)


def evaluations(inputs: Inputs) -> int:
    """Return the number of evaluations of a small picture that `found` takes."""
    return 2 + _DESCENTS * _each(inputs.settings) if inputs.steered else 0


def _each(settings: Settings) -> int:
    least, most = _EVALUATIONS
    return min(max(least, math.ceil(settings.iterations / _RUN)), most)


class _Search:
    """Descends with trial weights in a small picture."""

    def __init__(self, model: Model, scene: Scene, plans: Plans) -> None:
        content = scene.content_pixels()
        assert content is not None  # a strength is for jobs with a content
        self._model, self._scene, self._content = model, scene, content
        self._plan = plans.choose(scene)
        self._targets = targets_of(model, plans, scene, content)
        self._structure = Structure(model, scene, self._targets)
        unit = self._objective(Balance(CONTENT_WEIGHT, 1.0, 0.0))
        mean = content.mean(axis=(2, 3), keepdims=True)
        empty = np.ascontiguousarray(np.broadcast_to(mean, content.shape))
        self._all = _part(self._evaluated(unit, empty.ravel())[0], "content")
        self._apart = _part(self._evaluated(unit, content.ravel())[0], "style")

    def balance(self, goal: float) -> Balance:
        """Return weights with which about `goal` of the content is lost."""
        if not goal:
            return Balance(CONTENT_WEIGHT, 0.0, self._scene.settings.tv_weight or 0.0)
        if not (self._all > 0 and self._apart > 0):  # the weight has no scale
            return Balance.of(self._scene.settings)
        wanted = _odds(_SHORT * goal)
        ratio = (wanted / _odds(_USUAL)) ** (1 / _POWER)
        image, less, more = self._content, (0.0, 0.0), (math.inf, math.inf)
        for _ in range(_DESCENTS):
            image, share = self._descend(image, ratio)
            odds = _odds(share)
            if odds < wanted:
                less = max(less, (ratio, odds))
            else:
                more = min(more, (ratio, odds))
            if odds > _TOO_MUCH * wanted:
                image = self._content  # what is lost is not found again in a few steps
            if 0 < less[1] < more[1] < math.inf and less[0] < more[0]:
                ratio = _between(less, more, wanted)
            elif odds > 0:
                ratio *= _step(wanted / odds, _POWER)
        return self._weights(ratio)

    def _weights(self, ratio: float) -> Balance:
        """Return weights; `ratio` 1 gives style and content terms the same scale."""
        style, tv = ratio * self._all / self._apart, self._scene.settings.tv_weight
        if tv is None:
            tv = (
                _TV * ratio**0.5 * self._all / (_VARIATION * contract.REFERENCE_SIDE**2)
            )
        return Balance(CONTENT_WEIGHT, style, tv)

    def _descend(self, image: Array, ratio: float) -> tuple[Array, float]:
        """Go on from a canvas; return a better one, and what it has lost."""
        objective = self._objective(self._weights(ratio))

        def evaluate(point: Vector) -> tuple[float, Vector]:
            losses, gradient = self._evaluated(objective, point)
            return losses.total, gradient

        method = method_of(self._scene, image, self._plan.history)
        steps = minimize(evaluate, method, _each(self._scene.settings))
        for state in steps:
            image = state.point.reshape(image.shape)
        return image, self._structure.lost(image)

    def _evaluated(self, objective: Objective, point: Vector) -> tuple[Losses, Vector]:
        losses, gradient = objective(point)
        if not (math.isfinite(losses.total) and np.isfinite(gradient).all()):
            settings = self._scene.settings
            tv = settings.tv_weight
            advice = f"lower tv-weight {tv:g}" if tv else "give a style-weight instead"
            raise TransferError(
                f"no weights for strength {settings.dial:g} can be found, because the "
                f"loss is not a finite number: {advice}"
            )
        return losses, gradient

    def _objective(self, balance: Balance) -> Objective:
        weights = term_weights(
            self._model, self._scene.settings, self._targets, self._content, balance
        )
        return Objective(self._model, self._targets, weights)


def _between(
    less: tuple[float, float], more: tuple[float, float], wanted: float
) -> float:
    """Return the ratio between two that has the wanted odds, by their logarithms."""
    (low, small), (high, large) = less, more
    share = math.log(wanted / small) / math.log(large / small)
    return float(low * (high / low) ** share)


def _odds(share: float) -> float:
    return share / max(_ALL - share, 0.01)


def _step(wanted: float, power: float) -> float:
    """Return the factor of the weight that multiplies the odds by `wanted`."""
    return float(min(max(wanted ** (1 / power), 1 / _LARGEST), _LARGEST))


def _part(losses: Losses, name: str) -> float:
    """Return the sum of the terms of ``content`` or ``style``."""
    return sum(v for term, v in losses.terms.items() if term.startswith(name))
