"""Puts ONNX operators in the place of ours (`ops.OURS`): the pass that chooses forms.

Every form here was chosen for what runs on every provider of onnxruntime and is fast on
the CPU one: masks as ``Mul(Cast(Greater))``, a tenth of the time of ``Where``; input
gradients of convolutions as convolutions with turned kernels, 1.3 times faster than
ConvTranspose; no MaxPool indices, which CUDA cannot scatter and WebGPU cannot make.
"""

from collections.abc import Callable

import numpy as np

from . import ops
from .graph import Graph, Node, Tensor, scope_of

_Lowering = Callable[..., Tensor]


def lower(graph: Graph) -> Graph:
    """Return a graph of ONNX operators that computes what `graph` does."""
    lowered = Graph(dtype=graph.dtype)
    new: dict[Tensor, Tensor] = {}
    for name, tensor in graph.inputs.items():
        new[tensor] = lowered.input(name, tensor.shape)
    for name, value in graph.constants.items():
        new[graph.tensor(name)] = lowered.constant(value, name, value.dtype)
    for node in graph.nodes:
        with lowered.scope(scope_of(node.output)):
            new[node.output] = _lowered(lowered, node, [new[t] for t in node.inputs])
    lowered.outputs = {name: new[tensor] for name, tensor in graph.outputs.items()}
    return lowered


def _lowered(graph: Graph, node: Node, inputs: list[Tensor]) -> Tensor:
    if node.op in LOWERINGS:
        return LOWERINGS[node.op](graph, *inputs)
    output = node.output
    return graph.add(node.op, inputs, output.shape, output.dtype, **node.attributes)


def _square(graph: Graph, x: Tensor) -> Tensor:
    return ops.mul(graph, x, x)


def _gram(graph: Graph, x: Tensor) -> Tensor:
    rows = _flat(graph, x)
    return ops.matmul(graph, rows, ops.transpose(graph, rows, (1, 0)))


def _gram_gradient(graph: Graph, x: Tensor, g: Tensor) -> Tensor:
    symmetric = ops.add(graph, g, ops.transpose(graph, g, (1, 0)))
    product = ops.matmul(graph, symmetric, _flat(graph, x))
    whole = graph.add("Shape", [x], (4,), np.int64)
    return ops.reshape(graph, product, whole, x.shape)


def _flat(graph: Graph, x: Tensor) -> Tensor:
    """Features (1, C, h, w) as a matrix (C, h·w)."""
    target = graph.constant(np.array([x.shape[1], -1]))
    return ops.reshape(graph, x, target, (x.shape[1], f"{x.shape[2]}*{x.shape[3]}"))


def _relu_gradient(graph: Graph, y: Tensor, g: Tensor) -> Tensor:
    zero = graph.constant(0.0)
    return ops.mul(graph, _mask(graph, "Greater", y, zero), g)


def _conv_gradient(graph: Graph, g: Tensor, kernel: Tensor) -> Tensor:
    # The turned kernel is folded into a constant when a session is made, so that the
    # file holds each kernel once.
    turned = ops.transpose(graph, kernel, (1, 0, 2, 3))
    last = [graph.constant(np.array(v)) for v in ([-1, -1], [-9, -9], [2, 3], [-1, -1])]
    turned = graph.add("Slice", [turned, *last], turned.shape)
    return ops.conv(graph, g, turned)


def _max_pool_gradient(graph: Graph, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    mask = _mask(graph, "Equal", x, _enlarged(graph, y, x))
    quarter = ops.pool(graph, mask, "average")
    share = ops.div(graph, ops.scaled(graph, g, 0.25), quarter)
    return ops.mul(graph, mask, _enlarged(graph, share, x))


def _average_pool_gradient(graph: Graph, x: Tensor, g: Tensor) -> Tensor:
    return _enlarged(graph, ops.scaled(graph, g, 0.25), x)


def _enlarged(graph: Graph, x: Tensor, like: Tensor) -> Tensor:
    """Repeat each position 2 × 2; zeros where an odd edge of `like` was not pooled."""
    region = graph.constant(np.zeros(0), dtype=np.float32)  # unused by this mode
    scales = graph.constant([1.0, 1.0, 2.0, 2.0], dtype=np.float32)
    twice = graph.add(
        "Resize",
        [x, region, scales],
        (*x.shape[:2], f"2*({x.shape[2]})", f"2*({x.shape[3]})"),
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    sizes = [graph.add("Shape", [t], (2,), np.int64, start=2) for t in (like, twice)]
    missing = graph.add("Sub", sizes, (2,), np.int64)
    pads = ops.concat(graph, [graph.constant([0] * 6), missing], 0, 8)
    return graph.add("Pad", [twice, pads], like.shape)


def _mask(graph: Graph, op: str, a: Tensor, b: Tensor) -> Tensor:
    """1 where the comparison `op` holds, 0 elsewhere, as real numbers."""
    truth = graph.add(op, [a, b], a.shape, np.bool_)
    return graph.add("Cast", [truth], a.shape, to=graph.dtype)


LOWERINGS: dict[str, _Lowering] = {
    "Square": _square,
    "Gram": _gram,
    "GramGradient": _gram_gradient,
    "ConvGradient": _conv_gradient,
    "ReluGradient": _relu_gradient,
    "MaxPoolGradient": _max_pool_gradient,
    "AveragePoolGradient": _average_pool_gradient,
}
