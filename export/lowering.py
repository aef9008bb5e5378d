"""Replaces the operators that are not ONNX's by ONNX operators.

There are two lowerings:

* The *portable* one runs on every provider of onnxruntime and is the reference for the
  other. Masks are ``Mul(Cast(Greater))``, which takes a tenth of the time of ``Where``.
  Input gradients of convolutions are convolutions with flipped kernels, which are
  faster than ConvTranspose except where the result is a picture. There are no MaxPool
  indices: CUDA cannot scatter them, and WebGPU does not compute them.
* The *cpu* one computes the same with less arithmetic: convolutions by `winograd` where
  that is faster, with the margins of `flat` against its rounding, and ReLU masks in
  front of a pooling at the pooled size. It is for CPUs alone, because cuDNN chooses its
  own algorithms, and the mapped kernels would be copied to the GPU at every evaluation.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from . import flat, ops, winograd
from .graph import Graph, Node, Tensor
from .rewrite import Rule, rewritten

_Lowering = Callable[..., Tensor]

#: Channels of a picture: ConvTranspose is faster for a result of this width alone.
_PICTURE = 3


def lower(graph: Graph, *, cpu: bool = False) -> Graph:
    """Return a graph of ONNX operators that computes what `graph` does.

    Args:
        graph: A graph of operators of `ops`.
        cpu: Whether to lower for onnxruntime's CPU provider alone; the result may then
            have the feeds of `winograd` in addition.
    """
    if cpu:
        graph = rewritten(graph, _masks_before_pools(graph))
        graph = rewritten(graph, flat.with_margins(graph, _fast_kernels(graph).keys()))
        graph = rewritten(graph, _fast_convolutions(graph))
    return rewritten(graph, _onnx_form)


def _onnx_form(graph: Graph, node: Node, new: Mapping[Tensor, Tensor]) -> Tensor | None:
    if node.op not in LOWERINGS:
        return None
    return LOWERINGS[node.op](graph, *(new[tensor] for tensor in node.inputs))


def _masks_before_pools(old: Graph) -> Rule:
    """Make a rule that applies ReLU masks at the pooled size, a quarter of the other.

    The result is the same bit for bit: where the maximum of a window is positive, so
    are the values equal to it, and where it is 0, the window gets no gradient.
    """
    makers = {node.output: node for node in old.nodes}
    uses = Counter(tensor for node in old.nodes for tensor in node.inputs)

    def rule(graph: Graph, node: Node, new: Mapping[Tensor, Tensor]) -> Tensor | None:
        pool = makers.get(node.inputs[-1])
        if node.op != "ReluGradient" or pool is None or uses[pool.output] > 1:
            return None
        if pool.op != "MaxPoolGradient" or pool.inputs[0] is not node.inputs[0]:
            return None
        x, y, g = (new[tensor] for tensor in pool.inputs)
        return ops.max_pool_gradient(graph, x, y, ops.relu_gradient(graph, y, g))

    return rule


def _fast_convolutions(old: Graph) -> Rule:
    """Make a rule that replaces convolutions by Winograd's where they are faster."""
    layers = _fast_kernels(old)
    forms: dict[str, Callable[..., Tensor]] = {
        "Conv": winograd.conv,
        "ConvGradient": winograd.conv_gradient,
    }

    def rule(graph: Graph, node: Node, new: Mapping[Tensor, Tensor]) -> Tensor | None:
        if node.op not in forms or node.inputs[1] not in layers:
            return None
        x, kernel, *bias = (new[tensor] for tensor in node.inputs)
        return forms[node.op](graph, x, layers[node.inputs[1]], kernel, *bias)

    return rule


def _fast_kernels(graph: Graph) -> dict[Tensor, str]:
    """Return kernel → layer for the convolutions that are faster by Winograd's."""
    names = {graph.tensor(name): name for name in graph.constants}
    for node in graph.nodes:
        if node.op == "Cast" and node.inputs[0] in names:  # stored in 16 bits
            names[node.output] = names[node.inputs[0]]
    return {
        tensor: name.removesuffix(".weight")
        for tensor, name in names.items()
        if name.endswith(".weight") and winograd.pays(tensor)
    }


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


def _guided_gram(graph: Graph, x: Tensor, guide: Tensor) -> Tensor:
    rows = _guided_rows(graph, x, guide)
    back = ops.transpose(graph, _flat(graph, x), (1, 0))
    each = x.shape[1], x.shape[1]
    product = ops.matmul(graph, rows, back)
    return ops.reshape(graph, product, [-1, *each], (guide.shape[0], *each))


def _guided_gram_gradient(graph: Graph, x: Tensor, guide: Tensor, g: Tensor) -> Tensor:
    symmetric = ops.add(graph, g, ops.transposed(graph, g))
    # One product for all regions, which also adds them up.
    rows = _guided_rows(graph, x, guide)
    side_by_side = ops.transpose(graph, symmetric, (1, 0, 2))
    shape = (x.shape[1], rows.shape[0])
    wide = ops.reshape(graph, side_by_side, [x.shape[1], -1], shape)
    whole = graph.add("Shape", [x], (4,), np.int64)
    return ops.reshape(graph, ops.matmul(graph, wide, rows), whole, x.shape)


def _guided_rows(graph: Graph, x: Tensor, guide: Tensor) -> Tensor:
    """Return the features times each guide, as a matrix (R·C, h·w)."""
    weighed = ops.mul(graph, x, guide)
    regions, channels, height, width = weighed.shape
    shape = (f"{regions}*{channels}", f"{height}*{width}")
    return graph.add("Flatten", [weighed], shape, axis=2)


def _flat(graph: Graph, x: Tensor) -> Tensor:
    """Return the features (1, C, h, w) as a matrix (C, h·w)."""
    channels, height, width = x.shape[1:]
    return ops.reshape(graph, x, [channels, -1], (channels, f"{height}*{width}"))


def _relu_gradient(graph: Graph, y: Tensor, g: Tensor) -> Tensor:
    return ops.mul(graph, ops.mask(graph, "Greater", y, _zero_after(graph, g)), g)


def _zero_after(graph: Graph, x: Tensor) -> Tensor:
    """Return a 0 that depends on `x`.

    onnxruntime runs each node as early as it can. A mask that depends only on a forward
    activation would be computed in the forward sweep, and take as much memory as that
    activation until its gradient arrives.
    """
    start, axes = graph.constant([0] * 4), graph.constant([0, 1, 2, 3])
    first = graph.add("Slice", [x, start, graph.constant([1] * 4), axes], (1, 1, 1, 1))
    zero = graph.constant(0.0)
    clipped = graph.add("Clip", [first, zero, zero], first.shape)
    return ops.reshape(graph, clipped, (), ())


def _conv_gradient(graph: Graph, g: Tensor, kernel: Tensor) -> Tensor:
    if kernel.shape[1] == _PICTURE:
        pads = [side // 2 for side in kernel.shape[2:] if isinstance(side, int)] * 2
        shape = (1, kernel.shape[1], *g.shape[2:])
        return graph.add("ConvTranspose", [g, kernel], shape, pads=pads)
    # The session folds the flipped kernel into a constant, so the file holds each
    # kernel once.
    turned = ops.transpose(graph, kernel, (1, 0, 2, 3))
    # Both spatial axes in reverse: from the last tap, −1, to before the first.
    last = [graph.constant(np.array(v)) for v in ([-1, -1], [-9, -9], [2, 3], [-1, -1])]
    turned = graph.add("Slice", [turned, *last], turned.shape)
    return ops.conv(graph, g, turned)


def _max_pool_gradient(
    graph: Graph, x: Tensor, y: Tensor, g: Tensor, margin: Tensor | None = None
) -> Tensor:
    least = y if margin is None else ops.sub(graph, y, margin)
    bound = _enlarged(graph, least, x, _zero_after(graph, g))
    mask = ops.mask(graph, "Equal" if margin is None else "GreaterOrEqual", x, bound)
    quarter = ops.pool(graph, mask, "average")
    share = ops.div(graph, ops.scaled(graph, g, 0.25), quarter)
    return ops.mul(graph, mask, _enlarged(graph, share, x, graph.constant(0.0)))


def _average_pool_gradient(graph: Graph, x: Tensor, g: Tensor) -> Tensor:
    return _enlarged(graph, ops.scaled(graph, g, 0.25), x, graph.constant(0.0))


def _enlarged(graph: Graph, x: Tensor, like: Tensor, zero: Tensor) -> Tensor:
    """Repeat each position 2 × 2; zeros where an odd edge of `like` was not pooled.

    The zeros are padded while `x` is small, and the surplus is cropped at the end.
    """
    region = graph.constant(np.zeros(0), dtype=np.float32)  # unused by this mode
    scales = graph.constant([1.0, 1.0, 2.0, 2.0], dtype=np.float32)
    size = graph.add("Shape", [like], (2,), np.int64, start=2)
    odd = graph.add("Mod", [size, graph.constant(np.array([2]))], (2,), np.int64)
    pads = ops.concat(graph, [graph.constant([0] * 6), odd], 0, 8)
    larger = (*x.shape[:2], *(f"{dim}+odd" for dim in x.shape[2:]))
    padded = graph.add("Pad", [x, pads, zero], larger)
    twice = graph.add(
        "Resize",
        [padded, region, scales],
        (*x.shape[:2], *(f"2*({dim})" for dim in larger[2:])),
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    return ops.cropped(graph, twice, like)


#: Operators of `ops` that are not ONNX's → how each is replaced.
LOWERINGS: dict[str, _Lowering] = {
    "Square": _square,
    "Gram": _gram,
    "GramGradient": _gram_gradient,
    "GuidedGram": _guided_gram,
    "GuidedGramGradient": _guided_gram_gradient,
    "ConvGradient": _conv_gradient,
    "ReluGradient": _relu_gradient,
    "MaxPoolGradient": _max_pool_gradient,
    "AveragePoolGradient": _average_pool_gradient,
}
