"""Evaluates a model at small pictures, to compare a device with the CPU and to time it.

Content, style and the picture itself are noise of different grains, so that no term of
the loss is near zero. Each term is weighted by the inverse of its value, so that no
layer hides another's gradient.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from .. import contract
from ..arrays import PIXEL_RANGE, Array
from ..optimize.curvature import History
from ..optimize.device import DeviceLBFGS
from . import self_test
from .self_test import SIDE, Results

#: Pixels of a grain of each picture.
_CONTENT: Final = 8
_STYLE: Final = 4
_PICTURE: Final = 1

#: History of the steps that are compared.
_PAIRS: Final = History(2)


class Evaluating(Protocol):
    """What is used of a `Model`."""

    @property
    def info(self) -> Any:
        """What it says about itself."""

    def targets(self, pixels_nchw: Array, /) -> Mapping[str, Array]:
        """Compute the targets that a picture would set."""

    def evaluate(self, pixels_nchw: Array, feeds: Mapping[str, Array], /) -> Any:
        """Compute the terms of the loss at a picture, and its gradient."""

    @property
    def keeps_pictures(self) -> bool:
        """Whether pictures stay on the device while they are optimised."""

    def resident(self, feeds: Mapping[str, Array], free_hw: Array, pairs: int) -> Any:
        """Return the evaluation and the optimiser's step for such pictures."""


def fault(model: Evaluating, host: Evaluating, tolerance: float) -> str:
    """Describe how a model's numbers differ from the CPU's; empty if they do not.

    Args:
        model: The model on the device.
        host: The same model on the CPU.
        tolerance: Largest relative error of each result.
    """
    feeds = cache(lambda seed: _feeds(host, SIDE, seed))

    def work(which: Evaluating) -> Callable[[int], Results]:
        def results(seed: int) -> Results:
            pixels = _noise(SIDE, seed, _PICTURE)
            found = which.evaluate(pixels, feeds(seed))
            gradient = {contract.GRADIENT: found.gradient}
            steps = _steps(which, pixels, feeds(seed)) if model.keeps_pictures else {}
            return {**gradient, **found.terms, **which.targets(pixels), **steps}

        return results

    return self_test.fault(work(model), work(host), tolerance)


def rate(model: Evaluating, host: Evaluating) -> float:
    """Return the positions of a picture that a model evaluates a second.

    Args:
        model: The model on the device.
        host: The same model on the CPU, which makes the targets.
    """

    def prepared(side: int) -> Callable[[], object]:
        pixels, given = _noise(side, 0, _PICTURE), _feeds(host, side, 0)
        return lambda: model.evaluate(pixels, given)

    return self_test.rate(prepared)


def _steps(model: Evaluating, pixels: Array, feeds: Mapping[str, Array]) -> Results:
    """Return how far the first two steps of a descent go: without and with a pair."""
    free_hw = np.ones(pixels.shape[2:], np.float32)
    resident = model.resident(feeds, free_hw, _PAIRS.pairs)
    descent = DeviceLBFGS(pixels, resident, history=_PAIRS).descend()
    point, at, found = next(descent), pixels.ravel(), {}
    for name in ("first step", "second step"):
        terms, answer = resident.evaluate(point.placed)
        point = descent.send((sum(terms.values()), answer))
        found[name] = np.asarray(point) - at
        at = np.asarray(point)
    return found


def _feeds(host: Evaluating, side: int, seed: int) -> dict[str, Array]:
    """Return the feeds of an evaluation but for the picture."""
    style, content = (
        host.targets(_noise(side, seed, grain)) for grain in (_STYLE, _CONTENT)
    )
    terms = {contract.TV_LOSS: contract.TV_WEIGHT}
    targets = {}
    for layer in host.info.content_layers:
        name = contract.content_target(layer)
        targets[name] = content[name]
        terms[contract.content_loss(layer)] = contract.content_weight(layer)
    for layer in host.info.style_layers:
        name = contract.style_target(layer)
        targets[name] = style[name]
        terms[contract.style_loss(layer)] = contract.style_weight(layer)
    one = np.ones((), np.float32)
    unweighted = {**targets, **dict.fromkeys(terms.values(), one)}
    values = host.evaluate(_noise(side, seed, _PICTURE), unweighted).terms
    weights = {
        weight: np.array(1 / max(values[term], 1e-30), np.float32)
        for term, weight in terms.items()
    }
    return {**targets, **weights}


def _noise(side: int, seed: int, grain: int) -> Array:
    """Return a square picture, (1, 3, side, side)."""
    count = -(-side // grain)
    random = np.random.default_rng([seed, grain])
    levels = random.uniform(*PIXEL_RANGE, (1, 3, count, count)).astype(np.float32)
    return np.kron(levels, np.ones((grain, grain), np.float32))[..., :side, :side]
