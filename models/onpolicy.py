"""Makes training pictures by optimisations with the small network itself.

An optimiser exploits what a network does not see, so the student is wrong on pictures
from optimisations with the current student, and half of its training pictures are such.
A few optimisations run side by side, each a few steps at its turn, so that early and
late stages, photographs and noise all occur.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .student import Units, as_input, features, moments, with_offset
from .teacher import Teacher, read_picture

_RUNS: Final = 12
#: Evaluations in a turn, and the range of turns in an optimisation, end excluded.
_EVALUATIONS: Final = 20
_TURNS: Final = (2, 9)
#: Share of optimisations that start from noise; the others start from the content.
_NOISE: Final = 0.25
#: Range of the ratio of style to content weight, as powers of ten.
_STYLE_POWER: Final = (3.0, 5.0)
#: The content weight at 256 × 256, where it counts four times as much as at 512.
_CONTENT: Final = 4.0
#: Divisor of the loss, which brings it to about 1 for the line search.
_LOSS_UNIT: Final = 1e6
#: Limits of pixels, which leave 0…255 a little during an optimisation.
_RANGE: Final = (-20, 275)
_CORRECTIONS: Final = 10


@dataclass
class Run:
    """One optimisation: indices of its pictures, its pixels and its progress."""

    content: int
    style: int
    style_weight: float
    turns: int
    pixels: NDArray[np.float32]
    taken: int = 0


@dataclass
class Runs:
    """The optimisations in progress; pickled into the checkpoint."""

    paths: Sequence[Path]
    runs: list[Run] = field(default_factory=list)
    turn: int = 0

    def next_picture(
        self,
        parameters: Mapping[str, Tensor],
        units: Units,
        teacher: Teacher,
        layers: tuple[Sequence[str], Sequence[str]],
        random: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Run one optimisation for a turn and return its picture, (H, W, 3) RGB.

        Args:
            parameters: Current parameters of the student.
            units: Units of the parameters.
            teacher: Has the widths of the style layers.
            layers: Content layers and style layers.
            random: Source of pictures, weights and starts.
        """
        run = self._next_run(random)
        pictures = [read_picture(self.paths[i]) for i in (run.content, run.style)]
        loss = SmallLoss(parameters, units, teacher, layers, pictures, run.style_weight)
        run.pixels = minimised(loss, run.pixels)
        run.taken += 1
        picture: NDArray[np.float32] = np.clip(run.pixels, *_RANGE).astype(np.float32)
        return picture

    def _next_run(self, random: np.random.Generator) -> Run:
        place = self.turn % _RUNS
        self.turn += 1
        if place == len(self.runs):
            self.runs.append(self._begun(random))
        elif self.runs[place].taken == self.runs[place].turns:
            self.runs[place] = self._begun(random)
        return self.runs[place]

    def _begun(self, random: np.random.Generator) -> Run:
        content, style = (int(i) for i in random.integers(len(self.paths), size=2))
        start = read_picture(self.paths[content])
        if random.random() < _NOISE:
            start = random.uniform(0, 255, start.shape).astype(np.float32)
        weight = float(10 ** random.uniform(*_STYLE_POWER))
        return Run(content, style, weight, int(random.integers(*_TURNS)), start)


class SmallLoss:
    """The product's loss and its gradient, as the small network estimates them.

    With D the difference of the moments of z, the style term Σ(E₁ D E₁ᵀ)² is the trace
    of D Q D Q with Q = E₁ᵀ E₁, so no tensor is as wide as VGG19.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        units: Units,
        teacher: Teacher,
        layers: tuple[Sequence[str], Sequence[str]],
        pictures: Sequence[NDArray[np.float32]],
        style_weight: float,
    ) -> None:
        self._parameters = {k: v.detach() for k, v in parameters.items()}
        self._units = units
        self._content_layers, self._style_layers = layers
        self._content_weight = 0.5 * _CONTENT / len(self._content_layers)
        self._style_weights = {
            layer: style_weight
            / (4 * teacher.channels(layer) ** 2 * len(self._style_layers))
            for layer in self._style_layers
        }
        self._products = {layer: self._product(layer) for layer in units.wide}
        with torch.no_grad():
            content, style = (self._features(torch.from_numpy(p)) for p in pictures)
            self._content = {k: content[k] for k in self._content_layers}
            self._style = {k: moments(style[k])[0] for k in self._style_layers}

    def __call__(
        self, pixels: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Compute loss and gradient at the picture `pixels`, (H, W, 3)."""
        x = torch.from_numpy(pixels.astype(np.float32)).requires_grad_()
        loss = self._loss(self._features(x)) / _LOSS_UNIT
        (gradient,) = torch.autograd.grad(loss, x)
        return float(loss.detach()), gradient.numpy().astype(np.float64)

    def _features(self, image_hwc: Tensor) -> dict[str, Tensor]:
        return features(self._parameters, self._units, as_input(image_hwc, self._units))

    def _product(self, layer: str) -> Tensor:
        matrix = with_offset(self._parameters, layer) * self._units.wide[layer]
        return matrix.T @ matrix

    def _loss(self, z: Mapping[str, Tensor]) -> Tensor:
        loss = torch.zeros(())
        for layer, weight in self._style_weights.items():
            d = (moments(z[layer])[0] - self._style[layer]) @ self._products[layer]
            loss = loss + weight * (d * d.T).sum()
        for layer in self._content_layers:
            difference = (z[layer] - self._content[layer])[0]
            product = self._products[layer][:-1, :-1]
            square = (difference @ product * difference).sum()
            loss = loss + self._content_weight * square
        return loss


class _EndOfTurn(Exception):  # noqa: N818 - a signal, not an error
    pass


def minimised(
    loss: SmallLoss, start: NDArray[np.float32], evaluations: int = _EVALUATIONS
) -> NDArray[np.float32]:
    """Minimise `loss` by L-BFGS from `start`, for a number of evaluations."""
    from scipy.optimize import minimize

    best = [start.astype(np.float64)]
    done = 0

    def evaluate(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal done
        if done == evaluations:
            raise _EndOfTurn
        done += 1
        value, gradient = loss(flat.reshape(start.shape))
        return value, gradient.ravel()

    def keep(flat: Any) -> None:
        best[0] = flat.copy()

    options = {"maxcor": _CORRECTIONS, "maxiter": evaluations, "ftol": 0, "gtol": 0}
    with contextlib.suppress(_EndOfTurn):
        minimize(
            evaluate,
            start.astype(np.float64).ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=keep,
            options=options,
        )
    return best[0].reshape(start.shape).astype(np.float32)
