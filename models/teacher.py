"""Computes VGG19's features at the loss layers and caches them on disk in 16 bits.

The features of a picture are 9 MB and take a third of a second to compute, twice the
time of a training step on it, so they are computed once. Those of conv1_1, the largest
and cheapest, are computed anew each time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from lightstyle.contract import block

FIRST: Final = "conv1_1"


def read_picture(path: Path) -> NDArray[np.float32]:
    """Read a picture as (H, W, 3), RGB, 0…255."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32)


class Teacher:
    """The wide network.

    Args:
        kernels, biases, mean: As in `export.weights.Weights`.
        layers: Convolutions up to the last one needed, in order.
        wanted: Loss layers among them.
    """

    def __init__(
        self,
        kernels: Mapping[str, Any],
        biases: Mapping[str, Any],
        mean: Any,
        layers: Sequence[str],
        wanted: Sequence[str],
    ) -> None:
        self._weights = {
            layer: (
                torch.from_numpy(np.ascontiguousarray(kernels[layer])).contiguous(
                    memory_format=torch.channels_last
                ),
                torch.from_numpy(np.ascontiguousarray(biases[layer])),
            )
            for layer in layers
        }
        self._mean = np.asarray(mean, np.float32)
        self.wanted = tuple(wanted)

    def channels(self, layer: str) -> int:
        """Return the number of channels of `layer`."""
        return len(self._weights[layer][1])

    def outputs(self, picture: NDArray[np.float32]) -> dict[str, Tensor]:
        """Compute all outputs after the ReLU: layer → (C, h, w)."""
        x = self._input(picture)
        outputs = {}
        previous = FIRST
        with torch.no_grad():
            for layer, (kernel, bias) in self._weights.items():
                if block(layer) != block(previous):
                    x = functional.max_pool2d(x, 2)
                x = functional.relu_(functional.conv2d(x, kernel, bias, padding=1))
                outputs[layer], previous = x[0], layer
        return outputs

    def first(self, picture: NDArray[np.float32]) -> Tensor:
        """Compute the output of conv1_1, (positions, C)."""
        with torch.no_grad():
            kernel, bias = self._weights[FIRST]
            x = functional.conv2d(self._input(picture), kernel, bias, padding=1)
            return _flat(functional.relu_(x)[0])

    def units(self, pictures: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Return the root mean square of each loss layer over `pictures`."""
        squares = dict.fromkeys(self.wanted, 0.0)
        for picture in pictures:
            outputs = self.outputs(picture)
            for layer in self.wanted:
                squares[layer] += float(outputs[layer].square().mean()) / len(pictures)
        return {layer: float(np.sqrt(value)) for layer, value in squares.items()}

    def lesson(
        self, picture: NDArray[np.float32], units: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Compute the features that the student should have, in `units` and 16 bits.

        Returns:
            Loss layer, except conv1_1 → (positions, C).
        """
        outputs = self.outputs(picture)
        return {
            layer: (_flat(outputs[layer]) / units[layer]).half()
            for layer in self.wanted
            if layer != FIRST
        }

    def kept_lesson(
        self, path: Path, units: Mapping[str, float], folder: Path
    ) -> tuple[NDArray[np.float32], dict[str, Tensor]]:
        """Return the picture at `path` and its lesson, cached in `folder`."""
        picture = read_picture(path)
        kept = folder / f"{path.stem}.pt"
        if kept.exists():
            return picture, dict(torch.load(kept))
        lesson = self.lesson(picture, units)
        partial = kept.with_suffix(".partial")
        torch.save(lesson, partial)
        partial.replace(kept)
        return picture, lesson

    def _input(self, picture: NDArray[np.float32]) -> Tensor:
        planes = torch.from_numpy((picture - self._mean).transpose(2, 0, 1)[None])
        return planes.contiguous(memory_format=torch.channels_last)


def _flat(x: Tensor) -> Tensor:
    return x.permute(1, 2, 0).reshape(-1, len(x))
