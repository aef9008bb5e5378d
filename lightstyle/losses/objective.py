"""The loss as a function of a flat vector, with its gradient.

It stands between the model, which takes pictures and gives unweighted terms, and the
optimiser, which takes vectors and wants one number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated

import numpy as np

from .. import contract
from ..arrays import Array, Size, Vector
from ..engine.model import Model
from ..engine.resident import Resident
from ..optimize.device import Answer, Point
from ..settings.scalars import number, side
from .targets import Targets


@dataclass(frozen=True)
class Losses:
    """The loss at one evaluation.

    Attributes:
        total: Sum of the weighted terms.
        terms: Each term times its weight, by name (``style_loss/conv1_1``); terms of
            weight 0 are left out.
        seconds: Time of the evaluation.
        size: Width and height of the picture, which grow from level to level.
    """

    total: float
    terms: dict[str, float]
    seconds: Annotated[float, number(0, 1e10)]
    size: tuple[Annotated[int, side()], Annotated[int, side()]]


class Objective:
    """Loss and gradient of pictures of one size; a pure function of the pixels."""

    def __init__(
        self, model: Model, targets: Targets, weights: Mapping[str, float]
    ) -> None:
        """Prepare the inputs of the evaluation graph.

        Args:
            model: Evaluates.
            targets: What the pictures are compared with.
            weights: Weight of each term of `targets`; a term that is left out has
                weight 0.
        """
        self._model = model
        self._size, self._tiling = targets.size, targets.tiling
        self._outputs = {
            name: targets.terms[name].output
            for name, weight in weights.items()
            if weight > 0
        }
        self._weights = weights
        outputs = (
            contract.TV_LOSS,
            *map(contract.content_loss, model.info.content_layers),
            *map(contract.style_loss, model.info.style_layers),
        )
        by_output = dict.fromkeys(outputs, 0.0)
        by_output |= {output: weights[n] for n, output in self._outputs.items()}
        with np.errstate(over="ignore"):  # an infinite weight is found in the loss
            scalars = {
                _weight_feed(output): np.array(weight, np.float32)
                for output, weight in by_output.items()
            }
        self._feeds: dict[str, Array] = {**targets.feeds, **scalars}

    def __call__(self, point: Vector) -> tuple[Losses, Vector]:
        """Evaluate `point`, the pixels of (1, 3, H, W) in one row."""
        began = perf_counter()
        width, height = self._size
        pixels = point.reshape(1, 3, height, width).astype(np.float32, copy=False)
        evaluation = self._model.evaluate(pixels, self._feeds, self._tiling)
        terms = {
            name: self._weights[name] * evaluation.terms[output]
            for name, output in self._outputs.items()
        }
        seconds = perf_counter() - began
        losses = Losses(sum(terms.values()), terms, seconds, self._size)
        return losses, evaluation.gradient.ravel()

    def on_device(self, free_hw: Array, pairs: int) -> "DeviceObjective":
        """Return the same loss for pictures that stay on the model's device.

        Args:
            free_hw: 1 where pixels may change, 0 where they stay, (H, W).
            pairs: Number of steps that the optimiser remembers.
        """
        resident = self._model.resident(self._feeds, free_hw, pairs)
        return DeviceObjective(resident, self._outputs, self._size)


class DeviceObjective:
    """Loss and gradient of pictures that stay on a device.

    Attributes:
        device: Evaluates them, and takes the steps.
    """

    def __init__(
        self, device: Resident, outputs: Mapping[str, str], size: Size
    ) -> None:
        """Use `Objective.on_device` instead."""
        self.device, self._outputs, self._size = device, outputs, size

    def __call__(self, point: Point) -> tuple[Losses, Answer]:
        """Evaluate the picture at `point`."""
        began = perf_counter()
        weighted, answer = self.device.evaluate(point.placed)
        terms = {name: weighted[output] for name, output in self._outputs.items()}
        seconds = perf_counter() - began
        return Losses(sum(terms.values()), terms, seconds, self._size), answer


def _weight_feed(output: str) -> str:
    return output.replace("_loss", "_weight")
