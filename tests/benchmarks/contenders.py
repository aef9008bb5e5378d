"""One loss and gradient of the same pictures, by Lightstyle and by its peers.

Each contender is a function of weights file and size that returns a callable, which
evaluates once and returns the loss and the gradient (1, 3, H, W). All have the same
targets, weights, layers and threads, and do nothing that they need not: parameters are
frozen, the network ends with the last layer used.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from export import build_model
from export.weights import Weights, read_weights
from lightstyle import Model, contract
from tests.networks import picture

CONTENT_LAYER = "conv5_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
STYLE_WEIGHT = 100.0

Evaluate = Callable[[], tuple[float, Any]]


def pictures(size: int) -> tuple[Any, Any, Any]:
    """Start, content and style, (1, 3, size, size) each."""
    start, content, style = (picture(size, size, seed)[None] for seed in range(3))
    return start, content, style


def lightstyle(weights: Path, size: int) -> Evaluate:
    """The graph of a model of `weights`, on onnxruntime."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg19.onnx"
        build_model(read_weights(weights), path, content_layers=[CONTENT_LAYER])
        return of_model(path, size)


def of_model(path: Path, size: int) -> Evaluate:
    """The graph of the model at `path`; its other content layers have no weight."""
    start, content, style = pictures(size)
    model = Model.load(path, "cpu")
    feeds = {contract.TV_WEIGHT: np.array(0, np.float32)}
    subject = model.targets(content)
    for layer in model.info.content_layers:
        name = contract.content_target(layer)
        feeds[name] = subject[name]
        weight = np.array(layer == CONTENT_LAYER, np.float32)
        feeds[contract.content_weight(layer)] = weight
    painted = model.targets(style)
    share = STYLE_WEIGHT / len(STYLE_LAYERS)
    for layer in STYLE_LAYERS:
        name = contract.style_target(layer)
        feeds[name] = painted[name]
        feeds[contract.style_weight(layer)] = np.array(share, np.float32)

    def evaluate() -> tuple[float, Any]:
        found = model.evaluate(start, feeds)
        style_terms = sum(found.terms[contract.style_loss(s)] for s in STYLE_LAYERS)
        content_term = found.terms[contract.content_loss(CONTENT_LAYER)]
        return content_term + share * style_terms, found.gradient

    return evaluate


def torch_eager(weights: Path, size: int) -> Evaluate:
    """PyTorch as its style-transfer tools use it."""
    return _torch(weights, size, channels_last=False)


def torch_channels_last(weights: Path, size: int) -> Evaluate:
    """PyTorch with the memory format that suits its CPU kernels."""
    return _torch(weights, size, channels_last=True)


CONTENDERS: dict[str, Callable[[Path, int], Evaluate]] = {
    "lightstyle": lightstyle,
    "torch eager": torch_eager,
    "torch channels-last": torch_channels_last,
}


def _torch(weights: Path, size: int, *, channels_last: bool) -> Evaluate:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layers = _torch_layers(read_weights(weights), channels_last)
    order = torch.channels_last if channels_last else torch.contiguous_format
    start, content, style = (
        torch.from_numpy(image).contiguous(memory_format=order)
        for image in pictures(size)
    )
    with torch.no_grad():
        target = _torch_features(layers, content)[CONTENT_LAYER]
        painted = _torch_features(layers, style)
        grams = {layer: _torch_gram(painted[layer]) for layer in STYLE_LAYERS}
        del painted
    start.requires_grad_()

    def evaluate() -> tuple[float, Any]:
        features = _torch_features(layers, start)
        loss = 0.5 * ((features[CONTENT_LAYER] - target) ** 2).sum()
        for layer in STYLE_LAYERS:
            difference = _torch_gram(features[layer]) - grams[layer]
            factor = 4 * contract.CHANNELS[layer] ** 2 * len(STYLE_LAYERS)
            loss = loss + STYLE_WEIGHT / factor * (difference**2).sum()
        (gradient,) = torch.autograd.grad(loss, start)
        return float(loss), gradient.numpy()

    return evaluate


def _torch_layers(network: Weights, channels_last: bool) -> Any:
    import torch

    order = torch.channels_last if channels_last else torch.contiguous_format
    last = contract.LAYERS.index(CONTENT_LAYER)
    convolutions = {
        layer: (
            torch.from_numpy(network.kernels[layer]).contiguous(memory_format=order),
            torch.from_numpy(network.biases[layer]),
        )
        for layer in contract.LAYERS[: last + 1]
    }
    return torch.from_numpy(network.mean).reshape(1, 3, 1, 1), convolutions


def _torch_features(layers: Any, x: Any) -> dict[str, Any]:
    import torch.nn.functional as functional

    mean, convolutions = layers
    x = x - mean
    features = {}
    for layer, (kernel, bias) in convolutions.items():
        if layer.endswith("_1") and layer != "conv1_1":
            x = functional.max_pool2d(x, 2)
        x = functional.conv2d(x, kernel, bias, padding=1).relu_()
        if layer in (*STYLE_LAYERS, CONTENT_LAYER):
            features[layer] = x
    return features


def _torch_gram(features: Any) -> Any:
    rows = features.reshape(features.shape[1], -1)
    return rows @ rows.T / rows.shape[1]
