"""Independent arithmetic to judge the graphs by: float64 NumPy and central differences.

No arithmetic here is shared with what it checks. The convolution's gradient is the
scatter of its definition, not a convolution with turned kernels; pooling works on
windows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from export.graph import Graph
from export.lowering import lower
from export.weights import Weights
from export.write import to_proto
from lightstyle import contract

Array = NDArray[np.float64]

#: Outputs of an evaluation that are made of all terms once more.
TOGETHER = contract.WEIGHTED_LOSSES, contract.WEIGHTED_SUMS


def terms_in(outputs: Mapping[str, Any]) -> dict[str, float]:
    """The terms in the outputs of an evaluation, without their weights."""
    others = contract.GRADIENT, *TOGETHER
    own = {name: value for name, value in outputs.items() if name not in others}
    return {name: float(np.sum(each, dtype=np.float64)) for name, each in own.items()}


def weighted_sum(outputs: Mapping[str, Any], feeds: Mapping[str, Any]) -> float:
    """The loss: all terms in the outputs of an evaluation, by the weights fed."""
    return sum(
        float(feeds[name.replace("_loss", "_weight")] * total)
        for name, total in terms_in(outputs).items()
    )


def run_reference(
    graph: Graph, feeds: Mapping[str, Any], *, cpu: bool = False
) -> dict[str, Any]:
    """Outputs of a graph, lowered here, on the reference evaluator of onnx."""
    evaluator = ReferenceEvaluator(to_proto(lower(graph, cpu=cpu)))
    values = evaluator.run(None, dict(feeds))
    return dict(zip(graph.outputs, values, strict=True))


def directional_error(
    function: Callable[[Array], float],
    gradient: Array,
    at: Array,
    seed: int = 0,
    step: float = 1e-5,
) -> float:
    """Relative disagreement of `gradient` with a central difference, one direction."""
    direction = np.random.default_rng(seed).normal(size=at.shape)
    upper, lower_ = function(at + step * direction), function(at - step * direction)
    numeric = (upper - lower_) / (2 * step)
    analytic = float(np.sum(gradient * direction))
    return abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-30)


def relative_l2(value: NDArray[Any], expected: NDArray[Any]) -> float:
    """‖value − expected‖ / ‖expected‖."""
    difference = np.linalg.norm(np.asarray(value, np.float64) - expected)
    return float(difference / np.linalg.norm(expected))


def conv(x: Array, kernel: Array, bias: Array) -> Array:
    """Cross-correlation of (C, H, W) with zero padding."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    sums: Array = np.tensordot(kernel, windows, ((1, 2, 3), (0, 3, 4)))
    shifted: Array = sums + bias[:, None, None]
    return shifted


def conv_gradient(g: Array, kernel: Array) -> Array:
    """Every output adds its share to the inputs it was made of."""
    _, height, width = g.shape
    padded = np.zeros((kernel.shape[1], height + 2, width + 2))
    for i in range(3):
        for j in range(3):
            share = np.tensordot(kernel[:, :, i, j], g, ((0,), (0,)))
            padded[:, i : i + height, j : j + width] += share
    return padded[:, 1:-1, 1:-1]


def _windows(x: Array) -> Array:
    """(C, h, w, 4): the 2 × 2 windows, without an odd edge."""
    channels, height, width = x.shape
    h, w = height // 2, width // 2
    blocks = x[:, : 2 * h, : 2 * w].reshape(channels, h, 2, w, 2)
    return blocks.transpose(0, 1, 3, 2, 4).reshape(channels, h, w, 4)


def _from_windows(windows: Array, like: Array) -> Array:
    channels, h, w, _ = windows.shape
    x = np.zeros_like(like)
    blocks = windows.reshape(channels, h, w, 2, 2).transpose(0, 1, 3, 2, 4)
    x[:, : 2 * h, : 2 * w] = blocks.reshape(channels, 2 * h, 2 * w)
    return x


def pool(x: Array, kind: str) -> Array:
    windows = _windows(x)
    pooled: Array = windows.max(-1) if kind == "max" else windows.mean(-1)
    return pooled


def pool_gradient(x: Array, g: Array, kind: str) -> Array:
    windows = _windows(x)
    if kind == "average":
        shares = np.full_like(windows, 0.25)
    else:
        shares = (windows == windows.max(-1, keepdims=True)).astype(np.float64)
        shares /= shares.sum(-1, keepdims=True)
    return _from_windows(shares * g[..., None], x)


@dataclass(frozen=True)
class Loss:
    """DESIGN's loss: content ½ Σ (F − P)², style 1/(4 N²) Σ (G/M − A/M_s)², TV."""

    content: Mapping[str, tuple[float, Array]]  # layer → (weight, P)
    style: Mapping[str, tuple[float, Array]]  # layer → (weight, A / M_s)
    tv_weight: float = 0.0


def forward(
    image: NDArray[Any], weights: Weights, layers: Sequence[str], pooling: str
) -> dict[str, Array]:
    """Activations after ReLU of all layers up to the deepest of `layers`."""
    deepest = max(map(contract.LAYERS.index, layers))
    x = image.astype(np.float64) - weights.mean.astype(np.float64)[:, None, None]
    activations: dict[str, Array] = {}
    for layer in contract.LAYERS[: deepest + 1]:
        if layer.endswith("_1") and layer != "conv1_1":
            x = pool(x, pooling)
        kernel, bias = weights.kernels[layer], weights.biases[layer]
        x = np.maximum(conv(x, kernel.astype(np.float64), bias.astype(np.float64)), 0)
        activations[layer] = x
    return activations


def gram(features: Array) -> Array:
    """Gram matrix divided by the number of positions."""
    rows = features.reshape(len(features), -1)
    product: Array = rows @ rows.T / rows.shape[1]
    return product


def loss_and_gradient(
    image: NDArray[Any], weights: Weights, loss: Loss, pooling: str
) -> tuple[dict[str, float], Array]:
    """Terms without weights by their name in the contract, and the image gradient."""
    wanted = [*loss.content, *loss.style]
    activations = forward(image, weights, wanted, pooling)
    terms: dict[str, float] = {}
    seeds: dict[str, Array] = {}
    for layer, (weight, target) in loss.content.items():
        difference = activations[layer] - target
        terms[contract.content_loss(layer)] = 0.5 * float(np.sum(difference**2))
        seeds[layer] = seeds.get(layer, 0.0) + weight * difference
    for layer, (weight, target) in loss.style.items():
        features = activations[layer]
        difference = gram(features) - target
        factor = 1 / (4 * contract.CHANNELS[layer] ** 2)
        terms[contract.style_loss(layer)] = factor * float(np.sum(difference**2))
        rows = features.reshape(len(features), -1)
        slope = 4 * factor * weight * (difference @ rows) / rows.shape[1]
        seeds[layer] = seeds.get(layer, 0.0) + slope.reshape(features.shape)
    gradient = _backward(activations, seeds, weights, pooling)
    tv, tv_gradient = _total_variation(image.astype(np.float64))
    terms[contract.TV_LOSS] = tv
    return terms, gradient + loss.tv_weight * tv_gradient


def _backward(
    activations: Mapping[str, Array],
    seeds: Mapping[str, Array],
    weights: Weights,
    pooling: str,
) -> Array:
    layers = list(activations)
    g: Array = np.zeros_like(activations[layers[-1]])
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        g = (g + seeds.get(layer, 0.0)) * (activations[layer] > 0)
        g = conv_gradient(g, weights.kernels[layer].astype(np.float64))
        if layer.endswith("_1") and layer != "conv1_1":
            g = pool_gradient(activations[layers[index - 1]], g, pooling)
    return g


def _total_variation(image: Array) -> tuple[float, Array]:
    gradient = np.zeros_like(image)
    down, right = np.diff(image, axis=1), np.diff(image, axis=2)
    gradient[:, 1:] += 2 * down
    gradient[:, :-1] -= 2 * down
    gradient[:, :, 1:] += 2 * right
    gradient[:, :, :-1] -= 2 * right
    return float(np.sum(down**2) + np.sum(right**2)), gradient
