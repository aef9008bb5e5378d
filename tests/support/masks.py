"""Evaluations whose ReLU and pooling masks are fed, rather than made of activations.

Where an activation is within rounding of zero, or two of a window are within rounding
of each other, two correct evaluations may disagree, and everything below follows. With
the masks of the float64 oracle imposed on both, only the arithmetic is compared.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from export import lowering, model, ops
from export.graph import Graph, Tensor
from export.network import LossNetwork
from export.weights import Weights
from lightstyle import contract
from lightstyle.contract import block
from tests.support import oracles

_MASK, _SHARE = "mask:", "share:"


def evaluation(
    weights: Weights, content: Sequence[str], style: Sequence[str], *, cpu: bool
) -> Graph:
    """`export.model.evaluation`, with an input more for each mask."""
    with imposed():
        return model.evaluation(LossNetwork(weights, content, style), cpu=cpu)


def imposed() -> AbstractContextManager[Any]:
    """Graphs that are lowered within have an input more for each mask."""
    forms = {"ReluGradient": _relu_gradient, "MaxPoolGradient": _max_pool_gradient}
    return mock.patch.dict(lowering.LOWERINGS, forms)


def feeds(
    graph: Graph, image: NDArray[Any], weights: Weights
) -> dict[str, NDArray[Any]]:
    """The masks that the oracle's activations give, for the inputs of `graph`."""
    layers = contract.LAYERS[: contract.LAYERS.index("conv5_3") + 1]
    return of_activations(graph, oracles.forward(image, weights, layers, "max"))


def of_activations(
    graph: Graph, activations: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The masks that the `activations` (C, H, W) of layers give, for inputs of `graph`.

    With average pooling the graph has those of ReLUs only.
    """
    made = {}
    for name in graph.inputs:
        if name.startswith(_MASK):
            value = _value_called(name.removeprefix(_MASK), activations) > 0
        elif name.startswith(_SHARE):
            value = _value_called(name.removeprefix(_SHARE), activations)
            ones = np.ones_like(oracles.pool(value, "max"))
            value = oracles.pool_gradient(value, ones, "max")
        else:
            continue
        made[name] = value[None].astype(np.float32)
    return made


def _relu_gradient(graph: Graph, y: Tensor, g: Tensor) -> Tensor:
    return ops.mul(graph, graph.input(_MASK + y.name, y.shape), g)


def _max_pool_gradient(
    graph: Graph, x: Tensor, y: Tensor, g: Tensor, *_: Tensor
) -> Tensor:
    share = graph.input(_SHARE + x.name, x.shape)
    wide = lowering.LOWERINGS["AveragePoolGradient"](graph, x, g)
    return ops.mul(graph, ops.scaled(graph, share, 4.0), wide)


def _value_called(name: str, activations: Mapping[str, Any]) -> Any:
    """The activation ``conv3_2/Relu_1``, or a pooling.

    That is called ``conv3_1/MaxPool_1``, or ``pool2/MaxPool_1`` in parts.
    """
    layer, _, operator = name.partition("/")
    if operator.startswith("Relu"):
        return activations[layer]
    number = int(layer.removeprefix("pool")) if "pool" in layer else block(layer) - 1
    before = [each for each in contract.LAYERS if block(each) == number]
    return oracles.pool(activations[before[-1]], "max")
