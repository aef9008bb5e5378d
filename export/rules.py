"""The gradient rules: for every operator, how a cotangent passes to each of its inputs.

A rule takes the graph, the forward node and the cotangent `g` of its output, appends
nodes and returns the cotangent of one input. `g` always broadcasts to the shape of the
output but may be smaller: the seed of a loss is a scalar weight, and stays one until a
rule multiplies it by something larger. Rules may return more than the input's shape
where the forward node broadcast that input; `backward` sums it once, for all rules.

An operator is missing from the table, or has `None` for an input, where no path of our
graphs needs a gradient; meeting one there is an error, not a zero. `CONSTANT` operators
are the exception: shapes do not vary with pixels.
"""

from collections.abc import Callable

import numpy as np

from . import ops
from .graph import Graph, Node, Tensor

Rule = Callable[[Graph, Node, Tensor], Tensor]


def _same(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return g


def _negated(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.neg(graph, g)


def _times_right(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.mul(graph, g, node.inputs[1])


def _times_left(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.mul(graph, g, node.inputs[0])


def _divided(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.div(graph, g, node.inputs[1])


def _square(graph: Graph, node: Node, g: Tensor) -> Tensor:
    # Twice g first: g is often a scalar, and then only one product is large.
    return ops.mul(graph, ops.scaled(graph, g, 2.0), node.inputs[0])


def _reduce_sum(graph: Graph, node: Node, g: Tensor) -> Tensor:
    if g.shape == () or node.attributes["keepdims"]:
        return g
    axes = graph.constants[node.inputs[1].name]
    dims, rank = iter(g.shape), len(node.inputs[0].shape)
    kept = [1 if axis in axes else next(dims) for axis in range(rank)]
    return graph.add("Unsqueeze", [g, node.inputs[1]], kept)


def _slice(graph: Graph, node: Node, g: Tensor) -> Tensor:
    start, axis = (int(graph.constants[node.inputs[i].name][0]) for i in (1, 3))
    return ops.pad(graph, g, axis, front=start == 1)


def _conv(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.conv_gradient(graph, g, node.inputs[1])


def _relu(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.relu_gradient(graph, node.output, g)


def _max_pool(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.max_pool_gradient(graph, node.inputs[0], node.output, g)


def _average_pool(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.average_pool_gradient(graph, node.inputs[0], g)


def _matmul_left(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.matmul(graph, g, ops.transposed(graph, node.inputs[1]))


def _matmul_right(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.matmul(graph, ops.transposed(graph, node.inputs[0]), g)


def _transpose(graph: Graph, node: Node, g: Tensor) -> Tensor:
    inverse = np.argsort(node.attributes["perm"]).tolist()
    return ops.transpose(graph, g, inverse)


def _gram(graph: Graph, node: Node, g: Tensor) -> Tensor:
    return ops.gram_gradient(graph, node.inputs[0], g)


def _guided_gram(graph: Graph, node: Node, g: Tensor) -> Tensor:
    x, guide = node.inputs
    return ops.guided_gram_gradient(graph, x, guide, g)


RULES: dict[str, tuple[Rule | None, ...]] = {
    "Add": (_same, _same),
    "Sub": (_same, _negated),
    "Mul": (_times_right, _times_left),
    "Div": (_divided, None),
    "Square": (_square,),
    "ReduceSum": (_reduce_sum, None),
    "Slice": (_slice, None, None, None),
    "Conv": (_conv, None, None),
    "Relu": (_relu,),
    "MaxPool": (_max_pool,),
    "AveragePool": (_average_pool,),
    "Gram": (_gram,),
    "GuidedGram": (_guided_gram, None),
    "MatMul": (_matmul_left, _matmul_right),
    "Transpose": (_transpose,),
}

#: Operators whose output does not vary with the values of their input.
CONSTANT = frozenset({"Shape"})


def unbroadcast(graph: Graph, g: Tensor, like: Tensor) -> Tensor:
    """Sum `g` over the axes along which an elementwise node repeated `like`."""
    extra = len(g.shape) - len(like.shape)
    if extra > 0:
        g = ops.reduce_sum(graph, g, range(extra))
    pairs = list(zip(g.shape[::-1], like.shape[::-1], strict=False))
    repeated = [
        len(g.shape) - 1 - i
        for i, (have, want) in enumerate(pairs)
        if want == 1 and have != 1
    ]
    if not repeated:
        return g
    return ops.reduce_sum(graph, g, np.sort(repeated).tolist(), keepdims=True)
