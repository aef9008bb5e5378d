"""Computes a network's features in plain NumPy, where a model's graphs lack them.

The graphs output the features of content layers and the Gram matrices of style layers.
Measures of finished pictures also need means, covariances and conv3_1. A model with
other outputs would take the exporter, which most people have not installed, so features
are computed from the weights file alone, in the same way for every model. The pass is
forward only, in float32: a few seconds for 512 × 512 pixels and VGG19.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ..arrays import Array
from ..contract import block, needed_layers, weights_path
from ..engine import weights
from ..engine.model_info import ModelInfo
from ..errors import ModelError

#: Most elements in the patches of a strip, which has 9 per input channel and position.
_PATCHES: Final = 8_000_000

#: What no activation reaches: in float32, sums of squares of more may be infinite.
_LARGEST: Final = 1e15


@dataclass(frozen=True, eq=False)
class Network:
    """A network that computes features.

    Attributes:
        tensors: Tensors of its weights file, by name.
        pooling: ``max`` or ``average``.
    """

    tensors: Mapping[str, Array]
    pooling: str

    @classmethod
    def of(cls, info: ModelInfo) -> Self:
        """Read the weights of the model that `info` describes.

        Raises:
            ModelError: The file is missing or damaged.
        """
        path = weights_path(info.path)
        try:
            return cls(weights.read_tensors(path), info.pooling)
        except weights.DAMAGE as error:
            raise ModelError(
                f"weights {path} cannot be read ({type(error).__name__}: {error}): "
                "make the model again with `lightstyle export`"
            ) from error

    @property
    def estimates(self) -> bool:
        """Whether the network is narrower than VGG19 and maps to VGG19's features."""
        return any(name.endswith(".linear") for name in self.tensors)

    def features(self, image_hwc: Array, layers: Collection[str]) -> dict[str, Array]:
        """Compute the activations of `layers`, with a column for each position.

        A network that estimates VGG19's features has its activations mapped to where
        distances and inner products are those between the estimates.

        Args:
            image_hwc: (H, W, 3), RGB, 0…255; sides as a model takes them.
            layers: Layers of the network, at least one.

        Returns:
            (C, positions) for each layer, with the picture's rows one after the other.

        Raises:
            ModelError: The weights lack a tensor that a layer needs, or it is none of a
                network's, or the activations are not finite.
        """
        x = (image_hwc - self._tensor("mean", 3)).transpose(2, 0, 1)
        found: dict[str, Array] = {}
        number = 1
        for layer in needed_layers(layers):
            if block(layer) != number:
                x, number = _pooled(x, self.pooling), block(layer)
            kernel = self._tensor(f"{layer}.weight", None, len(x), 3, 3)
            bias = self._tensor(f"{layer}.bias", len(kernel))
            with np.errstate(over="ignore", invalid="ignore"):  # found just below
                x = _convolved(x, kernel, bias)
                if layer not in layers:
                    continue
                columns = self._mapped(x.reshape(len(x), -1), layer)
            if not np.abs(columns).max() < _LARGEST:
                raise ModelError(
                    f"the model's weights give values at {layer} that are not finite: "
                    "choose another model"
                )
            found[layer] = columns
        return found

    def _mapped(self, columns: Array, layer: str) -> Array:
        if not self.estimates:
            return columns
        linear = self._tensor(f"{layer}.linear", None, len(columns))
        return linear @ columns + self._tensor(f"{layer}.constant", len(linear), 1)

    def _tensor(self, name: str, *shape: int | None) -> Array:
        """Return a tensor, whose `shape` has None where any length will do."""
        if name not in self.tensors:
            raise ModelError(
                f"the model's weights lack {name}, which the measures need: choose "
                "another model"
            )
        found = self.tensors[name]
        lengths = zip(found.shape, shape, strict=False)
        if (
            found.ndim != len(shape)
            or not found.size
            or any(wanted not in (None, length) for length, wanted in lengths)
        ):
            raise ModelError(
                f"{name} of the model's weights has shape {found.shape}, which does "
                "not fit the others: choose another model"
            )
        return found


def _convolved(x: Array, kernel: Array, bias: Array) -> Array:
    """Apply a 3 × 3 convolution and ReLU to zero-padded (C, H, W), strip by strip."""
    channels, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    rows = kernel.reshape(len(kernel), -1)
    activation = np.empty((len(kernel), height, width), np.float32)
    lines = max(1, _PATCHES // (9 * channels * width))
    for first in range(0, height, lines):
        strip = padded[:, first : first + lines + 2]
        windows = np.lib.stride_tricks.sliding_window_view(strip, (3, 3), axis=(1, 2))
        patches = windows.transpose(0, 3, 4, 1, 2).reshape(rows.shape[1], -1)
        sums = rows @ patches + bias[:, None]
        activation[:, first : first + lines] = sums.reshape(len(kernel), -1, width)
    return np.maximum(activation, 0, out=activation)


def _pooled(x: Array, kind: str) -> Array:
    """Pool 2 × 2 windows of (C, H, W); an odd edge is dropped, as in the model."""
    channels, height, width = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    windows = even.reshape(channels, height // 2, 2, width // 2, 2)
    pooled: Array = windows.max((2, 4)) if kind == "max" else windows.mean((2, 4))
    return pooled
