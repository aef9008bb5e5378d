"""Narrows VGG19 in closed form: fewer channels, in a few minutes, without training.

The narrow network has the convolutions and poolings of the wide one with fewer channels
each. It is fitted to about a hundred pictures, layer by layer from the image on:

1. Compute second moments of the layer's activations in the wide network, with a
   constant channel beside them, so that no channel is spent on a mean.
2. Pick channels by a pivoted Cholesky factorisation of that matrix: each time the one
   that explains most of the remaining energy.
3. Fit ridge least squares from the 3 × 3 patches of the narrow network's previous layer
   to the pre-activations of those channels in the wide one. This also corrects errors
   of the layers before, as far as possible.
4. For a layer with a loss, fit least squares from its narrow activations z to all wide
   ones: F ≈ E z + e.

Pictures are scaled to count alike in each layer, sums are in float64, and pictures are
sorted by their digest, so that the result does not depend on their order. Linear maps
between a wide encoder and a narrow one come from Wang et al. (arXiv:2003.08436) and
from Chiu and Gurari (2022). The wide network is an argument, so this module needs no
run time.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lightstyle.contract import block

from .errors import ExportError

Array: TypeAlias = NDArray[Any]
#: Picture (H, W, 3), RGB, 0…255 → layer → output (C, h, w) of its ReLU.
Features: TypeAlias = Callable[[Array], Mapping[str, Array]]

#: Positions of a picture used for the least squares of a layer. More positions change
#: the result by less than other pictures do.
_POSITIONS: Final = 400
#: A channel cannot explain others if the unexplained part of its energy is below this.
_EXHAUSTED: Final = 1e-12


@dataclass(frozen=True)
class Narrowed:
    """A network with fewer channels, and maps from its features to the wide ones.

    Attributes:
        kernels: Convolution → (out, in, 3, 3); the first reads RGB.
        biases: Convolution → (out,).
        mean: (3,) RGB, grey levels, subtracted from the picture before the first.
        maps: Loss layer → E (C, k) and e (C,): the wide features are about E z + e.
    """

    kernels: Mapping[str, Array]
    biases: Mapping[str, Array]
    mean: Array
    maps: Mapping[str, tuple[Array, Array]]


@dataclass
class _Picture:
    """One picture, with what the fits need of both networks.

    Attributes:
        narrow: (k, h, w), input of the narrow network's next convolution.
        wanted: Layer → (C, n), the wide network's pre-activations at n positions.
        weight: Layer → factor that makes all pictures count alike.
    """

    narrow: Array
    wanted: dict[str, Array] = field(default_factory=dict)
    weight: dict[str, float] = field(default_factory=dict)


@dataclass
class _Normal:
    """Sums of the normal equations from inputs, the last one constant, to goals."""

    left: Any = 0.0
    right: Any = 0.0

    def add(self, inputs: Array, goals: Array, weight: float) -> None:
        """Add samples, (inputs, n) and (goals, n), with total weight `weight`."""
        count = inputs.shape[1]
        x = np.vstack([inputs, np.ones(count)]).astype(np.float64)
        self.left = self.left + x @ x.T * (weight / count)
        self.right = self.right + x @ goals.T.astype(np.float64) * (weight / count)

    def solve(self, ridge: float) -> tuple[Array, Array]:
        """Return matrix (goals, inputs) and offset (goals,), in float64."""
        scale = np.sqrt(np.diag(self.left))
        scale[scale == 0] = 1
        penalty = np.full(len(scale), ridge)
        penalty[-1] = 0
        left = self.left / np.outer(scale, scale) + np.diag(penalty)
        solution = np.linalg.solve(left, self.right / scale[:, None]) / scale[:, None]
        return solution[:-1].T, solution[-1]


def narrow(
    features: Features,
    kernels: Mapping[str, Array],
    biases: Mapping[str, Array],
    mean: Array,
    widths: Mapping[str, int],
    mapped: Sequence[str],
    pictures: Sequence[Array],
    *,
    ridge: float = 1e-4,
) -> Narrowed:
    """Narrow a network with max pooling to `widths`.

    Args:
        features: The wide network; the next three arguments are its weights.
        kernels: Convolution → (out, in, 3, 3) for RGB. Their dtype is that of the
            result and of the forward passes; sums are in float64.
        biases: Convolution → (out,).
        mean: (3,) RGB, grey levels, subtracted from a picture before the first.
        widths: Convolutions to keep, in order → number of channels.
        mapped: Layers of `widths` that get a map to all channels.
        pictures: (H, W, 3) RGB 0…255 each, of any sizes. About a hundred are needed,
            because the widest layer has thousands of unknowns for each channel.
        ridge: Weight of the penalty on squared coefficients, relative to the energy of
            the input of each; above 0.

    Raises:
        ExportError: A width is below 1 or above the layer's number of channels.
    """
    _check(widths, kernels)
    ordered = sorted(pictures, key=lambda p: hashlib.sha256(p.tobytes()).digest())
    dtype = next(iter(kernels.values())).dtype
    planes = ((picture - mean).transpose(2, 0, 1).astype(dtype) for picture in ordered)
    seen = [*map(_Picture, planes)]
    moments = dict.fromkeys(widths, np.float64(0))
    for picture, one in zip(ordered, seen, strict=True):
        _observe(features(picture), kernels, biases, one, moments)
    kernels, biases, maps = _fit(seen, moments, widths, mapped, ridge)
    return Narrowed(kernels, biases, mean, maps)


def pick(moments: Array, count: int) -> list[int]:
    """Pick the channels that explain most of the energy, greedily.

    Args:
        moments: (C + 1, C + 1) second moments; the last channel is constant, explains
            its part first and is not counted.
        count: Number of channels; of equal ones, the lower index is picked.

    Returns:
        Indices of channels, in rising order.
    """
    left = moments.astype(np.float64)
    left = left - np.outer(left[:, -1], left[-1]) / left[-1, -1]
    left = left[:-1, :-1]
    floor = _EXHAUSTED * np.diag(left)
    chosen: list[int] = []
    for _ in range(count):
        energy = np.diag(left)
        usable = energy > floor
        gain = np.where(usable, (left**2).sum(0) / np.where(usable, energy, 1), -1)
        gain[chosen] = -2
        best = int(np.argmax(gain))
        if usable[best]:
            left = left - np.outer(left[:, best], left[best]) / energy[best]
        chosen.append(best)
    return sorted(chosen)


def _check(widths: Mapping[str, int], kernels: Mapping[str, Array]) -> None:
    for layer, width in widths.items():
        there = len(kernels[layer])
        if not 1 <= width <= there:
            message = f"{layer} cannot keep {width} channels: expected 1 to {there}"
            raise ExportError(message)


def _observe(
    features: Mapping[str, Array],
    kernels: Mapping[str, Array],
    biases: Mapping[str, Array],
    picture: _Picture,
    moments: dict[str, Any],
) -> None:
    """Keep what the fits need of the wide network's `features`; add to `moments`."""
    below = picture.narrow
    previous = ""
    for layer in moments:
        below = _entering(below, previous, layer)
        flat = kernels[layer].reshape(len(kernels[layer]), -1)
        wanted = flat @ _patches(below, _positions(below)) + biases[layer][:, None]
        below, previous = features[layer], layer
        values = below.reshape(len(below), -1).astype(np.float64)
        weight = 1 / max(float(np.mean(values**2)), np.finfo(np.float64).tiny)
        with_one = np.vstack([values, np.ones(values.shape[1])])
        moments[layer] = moments[layer] + with_one @ with_one.T * (
            weight / values.shape[1]
        )
        picture.wanted[layer], picture.weight[layer] = wanted, weight


def _fit(
    pictures: Sequence[_Picture],
    moments: Mapping[str, Any],
    widths: Mapping[str, int],
    mapped: Sequence[str],
    ridge: float,
) -> tuple[dict[str, Array], dict[str, Array], dict[str, tuple[Array, Array]]]:
    """Fit kernels, biases and maps of each layer to the narrow outputs before it."""
    kernels, biases, maps, previous = {}, {}, {}, ""
    dtype = pictures[0].narrow.dtype
    for layer, width in widths.items():
        kept = pick(moments[layer], width)
        normal = _Normal()
        for picture in pictures:
            picture.narrow = _entering(picture.narrow, previous, layer)
            patches = _patches(picture.narrow, _positions(picture.narrow))
            normal.add(patches, picture.wanted[layer][kept], picture.weight[layer])
        inputs = len(pictures[0].narrow)
        matrix, offset = normal.solve(ridge)
        kernels[layer] = matrix.reshape(width, inputs, 3, 3).astype(dtype)
        biases[layer] = offset.astype(dtype)
        for picture in pictures:
            picture.narrow = _convolved(picture.narrow, kernels[layer], biases[layer])
        if layer in mapped:
            matrix, offset = _way_back(pictures, layer, ridge)
            maps[layer] = matrix.astype(dtype), offset.astype(dtype)
        previous = layer
    return kernels, biases, maps


def _way_back(
    pictures: Sequence[_Picture], layer: str, ridge: float
) -> tuple[Array, Array]:
    normal = _Normal()
    for picture in pictures:
        at = _positions(picture.narrow)
        z = picture.narrow.reshape(len(picture.narrow), -1)[:, at]
        goals = np.maximum(picture.wanted[layer], 0)
        normal.add(z, goals, picture.weight[layer])
    return normal.solve(ridge)


def _entering(x: Array, previous: str, layer: str) -> Array:
    """Return the input of `layer`: the output x of the layer before, pooled if due."""
    if not previous or block(previous) == block(layer):
        return x
    channels, height, width = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    windows = even.reshape(channels, height // 2, 2, width // 2, 2)
    pooled: Array = windows.max((2, 4))
    return pooled


def _positions(x: Array) -> Array:
    """Return indices into the h·w positions of x, the same for every x of its size."""
    count = x.shape[1] * x.shape[2]
    if count <= _POSITIONS:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:_POSITIONS])


def _patches(x: Array, positions: Array) -> Array:
    """Return the 3 × 3 patches of x, (k, h, w), at n `positions`: (9 k, n)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    rows, cols = np.divmod(positions, x.shape[2])
    taps = [padded[:, rows + i, cols + j] for i in range(3) for j in range(3)]
    return np.stack(taps, 1).reshape(-1, len(positions))


def _convolved(x: Array, kernel: Array, bias: Array) -> Array:
    """3 × 3 convolution with zero padding, bias and ReLU: (k, h, w) → (out, h, w)."""
    count = x.shape[1] * x.shape[2]
    flat = kernel.reshape(len(kernel), -1)
    y = flat @ _patches(x, np.arange(count)) + bias[:, None]
    activated: Array = np.maximum(y, 0).reshape(len(kernel), *x.shape[1:])
    return activated
