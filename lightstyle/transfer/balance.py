"""Finds the weights with which a picture loses as much of its content as asked for.

How far apart a photo and a painting are, as the network sees them, differs by a factor
of 40 between pairs, so a fixed ratio of weights is too weak for one and too strong for
the next. What should be alike is the result. So a small picture is painted first, from
the content, in a few short descents; after each, the style's weight is corrected by how
much of the content is lost, until it is what the strength asks for. Loss of content is
the content loss relative to that of an empty picture, one with a single colour.

It works because weights mean the same at all sizes: content terms are scaled by the
area, and the content that is lost at 128 pixels is lost at 512, too, within a fifth.
"""

import math
from typing import Final

import numpy as np

from ..arrays import Array, Vector
from ..contract import REFERENCE_SIDE
from ..engine.model import Model
from ..losses.objective import Losses, Objective
from ..losses.weights import Balance, term_weights
from ..optimize.minimize import minimize
from ..settings.settings import CONTENT_WEIGHT, Settings
from .descent import method_of, targets_of
from .inputs import Inputs
from .levels import coarsest
from .plans import Plans
from .scene import Scene

#: Share of the content that is lost at strength 1.
_MOST_LOST: Final = 0.52

#: Number of descents; then the weight hardly changes.
_DESCENTS: Final = 4

#: Evaluations of each, at most, and evaluations of a run for each of them.
_EVALUATIONS: Final = 8
_RUN: Final = 12

#: Power of the style's weight with which lost content grows, and the range in which two
#: descents may show another.
_POWER: Final = 0.8
_POWERS: Final = (0.5, 1.2)

#: Share that is lost where both terms have the same scale, on average over pairs.
_USUAL: Final = 0.14

#: From this much more lost content than asked for, the next descent starts afresh.
_TOO_MUCH: Final = 1.3

#: Largest factor by which one descent corrects the weight, and by which a level does.
_LARGEST: Final = 8.0
_CORRECTION: Final = 3.0

#: Weight of the total variation relative to the content's, in pictures with this mean
#: of the squared differences, at ratio 1: enough to remove speckles, and no strokes. It
#: grows with the root of the ratio: as fast as the style's, it would blur strong ones.
_TV: Final = 0.004
_VARIATION: Final = 1000.0


def lost(strength: float) -> float:
    """Return the share of the content that a strength, 0…1, allows to be lost.

    A loss is a square: with equal steps of its root, steps of the strength look alike.
    """
    return _MOST_LOST * strength**2


def found(model: Model, inputs: Inputs, plans: Plans) -> Balance:
    """Find the weights of a run.

    Args:
        model: Evaluates.
        inputs: Images and settings of the run.
        plans: Chooses the execution plans.

    Returns:
        The weights that the settings give, if they ask for no strength.
    """
    settings = inputs.settings
    if settings.dial is None or not inputs.steered:
        return Balance.of(settings)
    size = coarsest(inputs.size)
    scene = Scene(inputs, size, max(size) / max(inputs.size))
    return _Search(model, scene, plans).balance(lost(settings.dial))


def corrected(balance: Balance, settings: Settings, share: float) -> Balance:
    """Correct weights after a level.

    Args:
        balance: The weights.
        settings: Settings of the run, with a strength.
        share: Share of the content that is lost with these weights.
    """
    goal = lost(settings.dial or 0.0)
    if not (goal and share > 0):
        return balance
    ratio = _step(goal / share, _POWER, _CORRECTION)
    tv = balance.tv * ratio**0.5 if settings.tv_weight is None else balance.tv
    return Balance(balance.content, balance.style * ratio, tv)


def empty(scene: Scene) -> Array:
    """Return a canvas with nothing left of the content but its mean colour."""
    content = scene.content_pixels()
    assert content is not None  # a strength is for jobs with a content
    mean = content.mean(axis=(2, 3), keepdims=True)
    canvas = np.broadcast_to(mean, content.shape)
    if scene.frozen_hw is not None:
        canvas = np.where(scene.frozen_hw, content, canvas)
    if scene.protected_hw is not None:
        canvas = canvas + scene.protected_hw * (content - canvas)
    return np.ascontiguousarray(canvas, np.float32)


def part(losses: Losses, name: str) -> float:
    """Return the sum of the terms of ``content`` or ``style``."""
    return sum(v for term, v in losses.terms.items() if term.startswith(name))


def evaluations(settings: Settings) -> int:
    """Return the number of evaluations of a small picture that `found` takes."""
    return 0 if settings.dial is None else 2 + _DESCENTS * _each(settings)


def _each(settings: Settings) -> int:
    return min(_EVALUATIONS, math.ceil(settings.iterations / _RUN))


class _Search:
    """Descends with trial weights in a small picture."""

    def __init__(self, model: Model, scene: Scene, plans: Plans) -> None:
        content = scene.content_pixels()
        assert content is not None  # a strength is for jobs with a content
        self._model, self._scene, self._content = model, scene, content
        self._plan = plans.choose(scene)
        self._targets = targets_of(model, plans, scene, content)
        unit = self._objective(Balance(CONTENT_WEIGHT, 1.0, 0.0))
        self._all = part(unit(empty(scene).ravel())[0], "content")
        self._apart = part(unit(content.ravel())[0], "style")

    def balance(self, goal: float) -> Balance:
        """Return weights with which the share of lost content is about `goal`."""
        if not goal:
            return Balance(CONTENT_WEIGHT, 0.0, 0.0)
        if not (self._all > 0 and self._apart > 0):  # the weight has no scale
            return Balance.of(self._scene.settings)
        ratio, image = (goal / _USUAL) ** (1 / _POWER), self._content
        before: tuple[float, float] | None = None
        for _ in range(_DESCENTS):
            image, share = self._descend(image, ratio)
            if not share > 0:
                break
            power = _POWER
            if before is not None and ratio != before[0]:
                grown = math.log(share / before[1]) / math.log(ratio / before[0])
                power = min(max(grown, _POWERS[0]), _POWERS[1])
            before = ratio, share
            ratio *= _step(goal / share, power, _LARGEST)
            if share > _TOO_MUCH * goal:
                image = self._content  # what is lost is not found again in a few steps
        return self._weights(ratio)

    def _weights(self, ratio: float) -> Balance:
        """Return weights; `ratio` 1 gives style and content terms the same scale."""
        style, tv = ratio * self._all / self._apart, self._scene.settings.tv_weight
        if tv is None:
            tv = _TV * ratio**0.5 * self._all / (_VARIATION * REFERENCE_SIDE**2)
        return Balance(CONTENT_WEIGHT, style, tv)

    def _descend(self, image: Array, ratio: float) -> tuple[Array, float]:
        """Go on from a canvas; return a better one, and its share of lost content."""
        objective = self._objective(self._weights(ratio))
        seen: list[Losses] = []

        def evaluate(point: Vector) -> tuple[float, Vector]:
            losses, gradient = objective(point)
            seen.append(losses)
            return losses.total, gradient

        method = method_of(self._scene, image, self._plan.history)
        steps = minimize(evaluate, method, _each(self._scene.settings))
        for state in steps:
            image = state.point.reshape(image.shape)
        best = min(seen, key=lambda losses: losses.total)
        return image, part(best, "content") / self._all

    def _objective(self, balance: Balance) -> Objective:
        weights = term_weights(
            self._model, self._scene.settings, self._targets, self._content, balance
        )
        return Objective(self._model, self._targets, weights)


def _step(wanted: float, power: float, largest: float) -> float:
    """Return the factor of the weight that multiplies what is lost by `wanted`."""
    return float(min(max(wanted ** (1 / power), 1 / largest), largest))
