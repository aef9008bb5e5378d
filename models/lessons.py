"""Computes the training loss: errors of features and Gram matrices at loss layers.

The features F of the wide network are compared with E z + e by matrix products alone.
With z₁ = [z; 1] and E₁ = [E e],

    Σ (F − E₁ z₁)² = Σ F² − 2 ⟨E₁, F z₁ᵀ⟩ + ⟨E₁ᵀ E₁, z₁ z₁ᵀ⟩.

No tensor as wide as F is made or differentiated; the Gram matrices need z₁ z₁ᵀ anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .student import Units, as_input, features, moments, with_offset
from .teacher import FIRST, Teacher

#: Weight of the error of a Gram matrix, relative to that of its features.
_GRAM: Final = 2.0


@dataclass(frozen=True)
class Lesson:
    """A picture, (H, W, 3) RGB 0…255, and the wide features of `Teacher.lesson`."""

    picture: NDArray[np.float32]
    wide: Mapping[str, Tensor]


def product_weights(teacher: Teacher, units: Units, style: Sequence[str]) -> Any:
    """Return style layer → weight of Σ(G − A)² in units: w_l / 4 N², Gatys' E_l."""
    return {
        layer: units.wide[layer] ** 4 / (4 * teacher.channels(layer) ** 2 * len(style))
        for layer in style
    }


def grade(
    parameters: Mapping[str, Tensor],
    units: Units,
    teacher: Teacher,
    batch: Sequence[Lesson],
    weights: Mapping[str, float],
    product_weight: float,
) -> tuple[Tensor, dict[str, NDArray[np.float32]]]:
    """Compute the loss of a batch, and its parts for the log.

    Args:
        parameters: Parameters of the student, in `units`.
        units: Units of the student and the teacher.
        teacher: Computes conv1_1, which lessons do not hold.
        batch: B lessons of one size.
        weights: Result of `product_weights`.
        product_weight: Weight of the error in the product's style loss, which adds the
            Gram matrices in VGG19's own units: 99 % of it is conv4_1.

    Returns:
        The loss, and loss layer → (2, B) relative squared errors of the features and
        of the Gram matrix; ``product`` → (1, B) that of the product's style loss.
    """
    x = torch.cat([as_input(torch.from_numpy(b.picture), units) for b in batch])
    z = features(parameters, units, x.contiguous(memory_format=torch.channels_last))
    total = torch.zeros(())
    missed = known = torch.zeros(len(batch))
    report = {}
    for layer in units.wide:
        wide = _wide(batch, layer, teacher, units)
        feature, gram, size = _errors(wide, z[layer], with_offset(parameters, layer))
        total = total + feature.mean() + _GRAM * (gram / size).mean()
        report[layer] = torch.stack([feature, gram / size]).detach().numpy()
        if layer in weights:
            missed = missed + weights[layer] * gram
            known = known + weights[layer] * size
    product = missed / known
    report["product"] = product.detach().numpy()[None]
    return total + product_weight * product.mean(), report


def _wide(
    batch: Sequence[Lesson], layer: str, teacher: Teacher, units: Units
) -> Tensor:
    if layer == FIRST:
        first = torch.stack([teacher.first(one.picture) for one in batch])
        return first / units.wide[layer]
    return torch.stack([one.wide[layer] for one in batch]).float()


def _errors(wide: Tensor, z: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compare E₁ z₁ with `wide`, (B, positions, C).

    Returns:
        Relative squared error of the features, squared error of the Gram matrix, and
        squared norm of the Gram matrix; each (B,).
    """
    count = wide.shape[1]
    size = wide.square().sum((1, 2)) / count
    gram = wide.transpose(1, 2) @ wide / count
    cross = wide.transpose(1, 2) @ z / count
    cross = torch.cat([cross, wide.mean(1)[:, :, None]], 2)
    narrow = moments(z)
    left = size - 2 * (matrix * cross).sum((1, 2))
    left = left + (matrix.T @ matrix * narrow).sum((1, 2))
    difference = matrix @ narrow @ matrix.T - gram
    squared = (difference.square().sum((1, 2)), gram.square().sum((1, 2)))
    return left / size, *squared
