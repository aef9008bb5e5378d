"""Builds VGG19's convolutions (Simonyan and Zisserman, arXiv:1409.1556, table 1, E).

As in Gatys et al. 2015, there is no classifier, so that any height and width can be
used, and average pooling can replace max pooling, which they found to give smoother
pictures. Widths come from the weights, so the same code builds narrowed networks.
"""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from lightstyle.contract import LAYERS, block, needed_layers

from . import ops
from .graph import Graph, Tensor
from .weights import Weights


def features(
    graph: Graph, image: Tensor, weights: Weights, layers: Iterable[str], pooling: str
) -> dict[str, Tensor]:
    """Append the network up to the deepest of `layers` and return their activations.

    Args:
        graph: The graph that `image` belongs to.
        image: (1, 3, H, W), RGB, 0…255.
        weights: Kernels, biases and the mean to subtract, in RGB.
        layers: Names as in the paper, such as ``conv4_2``, for the output of the ReLU.
        pooling: ``max`` or ``average``.
    """
    wanted = set(layers)
    x = centred(graph, image, weights)
    activations: dict[str, Tensor] = {}
    current = 1
    for layer in needed_layers(wanted):
        if block(layer) != current:
            with graph.scope(layer):
                x = ops.pool(graph, x, pooling)
            current = block(layer)
        x = convolved(graph, x, weights, layer)
        activations[layer] = x
    return {layer: activations[layer] for layer in LAYERS if layer in wanted}


def centred(graph: Graph, image: Tensor, weights: Weights) -> Tensor:
    """Subtract the mean that the network was trained with from RGB, 0…255."""
    mean = stored(graph, weights.mean.reshape(1, 3, 1, 1), "mean")
    return ops.sub(graph, image, mean)


def convolved(graph: Graph, x: Tensor, weights: Weights, layer: str) -> Tensor:
    """Append `layer` to `x`, its input, and return its activation."""
    with graph.scope(layer):
        kernel = stored(graph, weights.kernels[layer], f"{layer}.weight")
        bias = stored(graph, weights.biases[layer], f"{layer}.bias")
        return ops.relu(graph, ops.conv(graph, x, kernel, bias))


def stored(graph: Graph, value: NDArray[Any], name: str) -> Tensor:
    """Add a weight in its own precision, 16 or 32 bits, cast to the graph's dtype."""
    tensor = graph.constant(value, name, value.dtype)
    return tensor if tensor.dtype == graph.dtype else ops.cast(graph, tensor)
