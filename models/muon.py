"""Optimises: Muon for matrices, Adam for the other parameters.

The inputs of a layer are outputs of ReLUs: all positive, with a mean that outweighs the
rest. A step that changes all weights of a row alike, as Adam's first steps do, makes
the layer diverge. Muon (Jordan et al. 2024) replaces the momentum of a matrix by the
nearest matrix with orthonormal rows, which changes every direction alike. With the
scale of Liu et al. (arXiv:2502.16982), both use the same step size.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

_MOMENTUM: Final = 0.95
_BETAS: Final = (0.9, 0.99)
_SMALL: Final = 1e-10
#: Newton-Schulz coefficients: they map singular values in 0.001 … 1 to about 0.7 … 1.2.
_QUINTIC: Final = (3.4445, -4.7750, 2.0315)
_ROUNDS: Final = 5
#: Root mean square of a matrix step relative to the step size: about Adam's.
_STEP: Final = 0.2


def orthonormal(matrix: Tensor) -> Tensor:
    """Return approximately the nearest matrix with orthonormal rows; (m, n), m ≤ n.

    The iteration runs on the m × m Gram matrix, which is far smaller than a matrix of
    convolution weights.
    """
    a, b, c = _QUINTIC
    x = matrix / (matrix.norm() + _SMALL)
    gram = x @ x.T
    one = torch.eye(len(gram))
    product = one
    for _ in range(_ROUNDS):
        factor = a * one + b * gram + c * (gram @ gram)
        gram = factor @ gram @ factor
        gram = (gram + gram.T) / 2
        product = factor @ product
    rows: Tensor = product @ x
    return rows


@dataclass
class Muon:
    """State of the optimiser: moments by the parameter's name, and steps taken."""

    first: dict[str, Tensor] = field(default_factory=dict)
    second: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0

    def step(self, parameters: Mapping[str, Tensor], rate: float) -> None:
        """Take one step of size `rate` and clear the gradients."""
        self.steps += 1
        with torch.no_grad():
            for name, value in parameters.items():
                gradient, value.grad = value.grad, None
                if gradient is not None:
                    value.sub_(self._direction(name, gradient), alpha=rate)

    def _direction(self, name: str, gradient: Tensor) -> Tensor:
        # Rows of conv1_1 are colours: there is nothing to orthogonalise.
        if gradient.ndim > 1 and gradient.shape[1] > 3:
            return self._matrix_step(name, gradient)
        return self._adam_step(name, gradient)

    def _matrix_step(self, name: str, gradient: Tensor) -> Tensor:
        momentum = self.first.setdefault(name, torch.zeros_like(gradient))
        momentum.mul_(_MOMENTUM).add_(gradient)
        ahead = gradient + _MOMENTUM * momentum
        rows = len(ahead)
        kernel = ahead.ndim == 4
        flat = ahead.permute(0, 2, 3, 1).reshape(rows, -1) if kernel else ahead
        wide = flat.shape[0] <= flat.shape[1]
        step = orthonormal(flat) if wide else orthonormal(flat.T).T
        step = step * (_STEP * math.sqrt(max(flat.shape)))
        return step.reshape(rows, 3, 3, -1).permute(0, 3, 1, 2) if kernel else step

    def _adam_step(self, name: str, gradient: Tensor) -> Tensor:
        first = self.first.setdefault(name, torch.zeros_like(gradient))
        second = self.second.setdefault(name, torch.zeros_like(gradient))
        first.lerp_(gradient, 1 - _BETAS[0])
        second.lerp_(gradient.square(), 1 - _BETAS[1])
        size = (second / (1 - _BETAS[1] ** self.steps)).sqrt() + _SMALL
        return first / (1 - _BETAS[0] ** self.steps) / size
