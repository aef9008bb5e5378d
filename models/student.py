"""Defines the small network in training, with every channel in units of its own size.

VGG19's activations are tens in one layer and thousands in another. Divided by the root
mean square of each channel at the start, all are about 1, so that one step size suits
all layers. A ReLU commutes with positive factors, so the factors go back into the
weights afterwards. The maps E, e are likewise in units of the wide layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from export.reduce import Narrowed
from lightstyle.contract import block

#: Grey levels per unit of the input.
_INPUT_UNIT: Final = 64.0
#: Least unit of a channel relative to its layer's, because a channel may be dead.
_LEAST_UNIT: Final = 1e-3


@dataclass(frozen=True)
class Units:
    """The units in which activations are measured.

    Attributes:
        narrow: Convolution → (k,), the unit of each channel of the small network.
        wide: Loss layer → the unit of all channels of the wide network.
        mean: (3,) RGB, grey levels.
    """

    narrow: Mapping[str, Tensor]
    wide: Mapping[str, float]
    mean: Tensor

    @property
    def layers(self) -> tuple[str, ...]:
        """The convolutions, in order."""
        return tuple(self.narrow)


def as_input(image_hwc: Tensor, units: Units) -> Tensor:
    """Convert RGB 0…255, (H, W, 3), to the small network's input, (1, 3, H, W)."""
    x = ((image_hwc - units.mean) / _INPUT_UNIT).permute(2, 0, 1)[None]
    return x.contiguous(memory_format=torch.channels_last)


def scaled(small: Narrowed, units: Units) -> dict[str, Tensor]:
    """Return the weights of `small` in `units`, by their names in a weights file."""
    parameters = {}
    below = torch.full((3,), _INPUT_UNIT)
    for layer, unit in units.narrow.items():
        kernel = _tensor(small.kernels[layer]) * below[:, None, None]
        kernel = kernel / unit[:, None, None, None]
        parameters[f"{layer}.weight"] = kernel.contiguous(
            memory_format=torch.channels_last
        )
        parameters[f"{layer}.bias"] = _tensor(small.biases[layer]) / unit
        below = unit
    for layer, unit_wide in units.wide.items():
        matrix, offset = small.maps[layer]
        parameters[f"{layer}.E"] = _tensor(matrix) * units.narrow[layer] / unit_wide
        parameters[f"{layer}.e"] = _tensor(offset) / unit_wide
    return parameters


def unscaled(
    parameters: Mapping[str, Tensor], units: Units
) -> dict[str, NDArray[np.float32]]:
    """Invert `scaled` and add ``mean``, as a weights file holds them."""
    named = {"mean": units.mean}
    below = torch.full((3,), _INPUT_UNIT)
    for layer, unit in units.narrow.items():
        kernel = parameters[f"{layer}.weight"] / below[:, None, None]
        named[f"{layer}.weight"] = kernel * unit[:, None, None, None]
        named[f"{layer}.bias"] = parameters[f"{layer}.bias"] * unit
        below = unit
    for layer, unit_wide in units.wide.items():
        matrix = parameters[f"{layer}.E"] / units.narrow[layer]
        named[f"{layer}.E"] = matrix * unit_wide
        named[f"{layer}.e"] = parameters[f"{layer}.e"] * unit_wide
    return {k: v.detach().contiguous().numpy() for k, v in named.items()}


def features(
    parameters: Mapping[str, Tensor], units: Units, x: Tensor
) -> dict[str, Tensor]:
    """Compute z of the loss layers for x, (B, 3, H, W): layer → (B, positions, k)."""
    outputs = {}
    previous = units.layers[0]
    for layer in units.layers:
        if block(layer) != block(previous):
            x = functional.max_pool2d(x, 2)
        weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
        x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
        previous = layer
        if layer in units.wide:
            outputs[layer] = x.permute(0, 2, 3, 1).reshape(len(x), -1, x.shape[1])
    return outputs


def with_offset(parameters: Mapping[str, Tensor], layer: str) -> Tensor:
    """Return [E e], (C, k + 1), the map of `layer` for features followed by a 1."""
    offset = parameters[f"{layer}.e"]
    return torch.cat([parameters[f"{layer}.E"], offset[:, None]], 1)


def moments(z: Tensor) -> Tensor:
    """Average [z 1]ᵀ [z 1] over positions: (B, positions, k) → (B, k + 1, k + 1)."""
    squares = z.transpose(1, 2) @ z / z.shape[1]
    mean = z.mean(1)
    last = torch.cat([mean, torch.ones_like(mean[:, :1])], 1)
    upper = torch.cat([squares, mean[:, :, None]], 2)
    return torch.cat([upper, last[:, None]], 1)


def measured(
    small: Narrowed, wide: Mapping[str, float], pictures: Sequence[Any]
) -> Units:
    """Measure the units of `small` on `pictures`, (H, W, 3) RGB 0…255 each."""
    mean = _tensor(small.mean)
    ones = {layer: torch.ones(len(k)) for layer, k in small.kernels.items()}
    plain = Units(ones, dict.fromkeys(small.kernels, 1.0), mean)
    no_maps = Narrowed(
        small.kernels,
        small.biases,
        small.mean,
        {k: (np.zeros((1, 1), np.float32),) * 2 for k in small.kernels},
    )
    parameters = scaled(no_maps, plain)
    energy: dict[str, Any] = dict.fromkeys(small.kernels, 0.0)
    with torch.no_grad():
        for picture in pictures:
            outputs = features(parameters, plain, as_input(_tensor(picture), plain))
            for layer, z in outputs.items():
                energy[layer] = energy[layer] + z[0].double().square().mean(0)
    narrow = {}
    for layer, sum_of_squares in energy.items():
        size = (sum_of_squares / len(pictures)).sqrt()
        floor = _LEAST_UNIT * float(size.square().mean().sqrt())
        narrow[layer] = size.clamp(min=floor).float()
    return Units(narrow, dict(wide), mean)


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
