"""Builds operators: one function each, which checks inputs and infers the shape.

Most operators are ONNX's. Those in `lowering.LOWERINGS` are not, because the same
mathematics has several forms in ONNX with very different speeds: their functions define
what they compute, and `lowering` chooses the form.
"""

from collections.abc import Sequence

import numpy as np

from .errors import GraphError
from .graph import Dim, Graph, Shape, Tensor


def conv(graph: Graph, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolution (N, C, H, W) → (N, O, H, W), odd square `kernel`, zero padding."""
    _need(x, "Conv", rank=4)
    out, channels, height, width = kernel.shape
    if x.shape[1] != channels or not isinstance(height, int) or height != width:
        raise GraphError(f"Conv: a kernel {kernel.shape} does not fit {x.shape}")
    inputs = [x, kernel] if bias is None else [x, kernel, bias]
    shape = (x.shape[0], out, *x.shape[2:])
    pads = [height // 2] * 4
    return graph.add("Conv", inputs, shape, kernel_shape=[height, height], pads=pads)


def conv_gradient(graph: Graph, g: Tensor, kernel: Tensor) -> Tensor:
    """Gradient of `conv` by its image, from `g`, the gradient by its output."""
    shape = (g.shape[0], kernel.shape[1], *g.shape[2:])
    return graph.add("ConvGradient", [g, kernel], shape)


def relu(graph: Graph, x: Tensor) -> Tensor:
    """Set negative values to zero."""
    return graph.add("Relu", [x], x.shape)


def relu_gradient(graph: Graph, y: Tensor, g: Tensor) -> Tensor:
    """`g` where the ReLU's output `y` is positive, zero elsewhere."""
    return graph.add("ReluGradient", [y, g], y.shape)


def pool(graph: Graph, x: Tensor, kind: str) -> Tensor:
    """Pool 2 × 2 windows; `kind` is ``max`` or ``average``; an odd edge is left out."""
    _need(x, "pooling", rank=4)
    op = {"max": "MaxPool", "average": "AveragePool"}[kind]
    shape = (*x.shape[:2], halved(x.shape[2]), halved(x.shape[3]))
    return graph.add(op, [x], shape, kernel_shape=[2, 2], strides=[2, 2])


def greatest(graph: Graph, x: Tensor, window: tuple[int, int]) -> Tensor:
    """Maxima of windows of 1 or 2 by 1 or 2 positions, side by side."""
    sizes = [
        halved(dim) if length == 2 else dim
        for dim, length in zip(x.shape[2:], window, strict=True)
    ]
    sides = {"kernel_shape": [*window], "strides": [*window]}
    return graph.add("MaxPool", [x], (*x.shape[:2], *sizes), **sides)


def max_pool_gradient(
    graph: Graph, x: Tensor, y: Tensor, g: Tensor, margin: Tensor | None = None
) -> Tensor:
    """Gradient of max pooling x → y: the maxima of a window share its `g` equally.

    If every maximum got all of `g`, as with a mask ``x == y``, the gradient would be
    four times too large on flat areas (white sky, logos); if the first one got it, it
    would be biased to a corner. With a `margin`, which broadcasts to y, values that are
    less than the maximum by no more than the margin count as maxima.
    """
    inputs = [x, y, g] if margin is None else [x, y, g, margin]
    return graph.add("MaxPoolGradient", inputs, x.shape)


def average_pool_gradient(graph: Graph, x: Tensor, g: Tensor) -> Tensor:
    """Gradient of average pooling: a quarter of `g` to each position of a window."""
    return graph.add("AveragePoolGradient", [x, g], x.shape)


def gram(graph: Graph, x: Tensor) -> Tensor:
    """Gram matrix (C, C) of features (1, C, h, w): Σ over positions of F_i F_j."""
    _need(x, "Gram", rank=4)
    return graph.add("Gram", [x], (x.shape[1], x.shape[1]))


def gram_gradient(graph: Graph, x: Tensor, g: Tensor) -> Tensor:
    """Gradient of `gram` with respect to its features: (g + gᵀ) F."""
    return graph.add("GramGradient", [x, g], x.shape)


def guided_gram(graph: Graph, x: Tensor, guide: Tensor) -> Tensor:
    """Gram matrices (R, C, C) of features (1, C, h, w): Σ over positions of W F_i F_j.

    There is one for each region of `guide`, (R, 1, h, w), which holds the weights W.
    """
    _need(x, "GuidedGram", rank=4)
    channels = x.shape[1]
    shape = (guide.shape[0], channels, channels)
    return graph.add("GuidedGram", [x, guide], shape)


def guided_gram_gradient(graph: Graph, x: Tensor, guide: Tensor, g: Tensor) -> Tensor:
    """Gradient of `guided_gram` by its features: Σ over regions of W (g + gᵀ) F."""
    return graph.add("GuidedGramGradient", [x, guide, g], x.shape)


def positions(graph: Graph, x: Tensor) -> Tensor:
    """Number of positions h·w of features (1, C, h, w), as a real scalar."""
    shape = graph.add("Shape", [x], (2,), np.int64, start=2, end=4)
    count = graph.add("ReduceProd", [shape], (), np.int64, keepdims=0)
    return graph.add("Cast", [count], (), to=graph.dtype)


def square(graph: Graph, x: Tensor) -> Tensor:
    """x², elementwise."""
    return graph.add("Square", [x], x.shape)


def add(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """A + b, broadcast."""
    return graph.add("Add", [a, b], broadcast(a.shape, b.shape))


def sub(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """A − b, broadcast."""
    return graph.add("Sub", [a, b], broadcast(a.shape, b.shape))


def mul(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """A · b, broadcast."""
    return graph.add("Mul", [a, b], broadcast(a.shape, b.shape))


def div(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """A / b, broadcast."""
    return graph.add("Div", [a, b], broadcast(a.shape, b.shape))


def neg(graph: Graph, x: Tensor) -> Tensor:
    """−x."""
    return graph.add("Neg", [x], x.shape)


def scaled(graph: Graph, x: Tensor, factor: float) -> Tensor:
    """Multiply `x` by a number known when the graph is made."""
    return mul(graph, x, graph.constant(float(factor)))


def cast(graph: Graph, x: Tensor) -> Tensor:
    """Cast `x` to the graph's dtype."""
    return graph.add("Cast", [x], x.shape, to=graph.dtype)


def matmul(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Matrix product of two matrices, or of stacks of them."""
    if min(len(a.shape), len(b.shape)) < 2 or a.shape[-1] != b.shape[-2]:
        raise GraphError(f"MatMul: {a.shape} and {b.shape} cannot be multiplied")
    stack = broadcast(a.shape[:-2], b.shape[:-2])
    return graph.add("MatMul", [a, b], (*stack, a.shape[-2], b.shape[-1]))


def transposed(graph: Graph, x: Tensor) -> Tensor:
    """Transpose a matrix, or each matrix of a stack."""
    rank = len(x.shape)
    return transpose(graph, x, [*range(rank - 2), rank - 1, rank - 2])


def transpose(graph: Graph, x: Tensor, order: Sequence[int]) -> Tensor:
    """Permute axes."""
    return graph.add("Transpose", [x], [x.shape[i] for i in order], perm=list(order))


def reshape(
    graph: Graph, x: Tensor, target: Tensor | Sequence[Dim], shape: Sequence[Dim]
) -> Tensor:
    """Reshape to `shape`, which `target`, int64, holds or says at run time."""
    if not isinstance(target, Tensor):
        target = graph.constant(np.array(target, np.int64))
    return graph.add("Reshape", [x, target], shape)


def reduce_sum(
    graph: Graph, x: Tensor, axes: Sequence[int], *, keepdims: bool = False
) -> Tensor:
    """Sum over `axes`."""
    kept = [1 if i in axes else dim for i, dim in enumerate(x.shape)]
    shape = kept if keepdims else [d for i, d in enumerate(x.shape) if i not in axes]
    where = graph.constant(np.array(axes))
    return graph.add("ReduceSum", [x, where], shape, keepdims=int(keepdims))


def channel_mean(graph: Graph, x: Tensor) -> Tensor:
    """Mean over the channels of (1, C, h, w): (1, 1, h, w)."""
    shape = (x.shape[0], 1, *x.shape[2:])
    return graph.add("ReduceMean", [x], shape, axes=[1])


def lesser(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """The lesser of a and b, elementwise, broadcast."""
    return graph.add("Min", [a, b], broadcast(a.shape, b.shape))


def maximum(graph: Graph, x: Tensor, axis: int) -> Tensor:
    """Maximum along `axis`, which is kept with length 1."""
    return graph.add("ReduceMax", [x], _resized(x.shape, axis, 1), axes=[axis])


def first(graph: Graph, x: Tensor, axis: int, count: int) -> Tensor:
    """The first `count` slices along `axis`, or all if there are fewer."""
    known = x.shape[axis]
    dim = min(count, known) if isinstance(known, int) else count
    return _sliced(graph, x, axis, 0, count, dim)


def mask(graph: Graph, op: str, a: Tensor, b: Tensor) -> Tensor:
    """1 where the comparison `op` holds, 0 elsewhere, as real numbers."""
    truth = graph.add(op, [a, b], broadcast(a.shape, b.shape), np.bool_)
    return cast(graph, truth)


def trim(graph: Graph, x: Tensor, axis: int, *, front: bool) -> Tensor:
    """Leave out the first (`front`) or the last slice along `axis`."""
    start, end = (1, np.iinfo(np.int64).max) if front else (0, -1)
    return _sliced(graph, x, axis, start, end, shortened(x.shape[axis]))


def pad(graph: Graph, x: Tensor, axis: int, *, front: bool) -> Tensor:
    """Add a slice of zeros before (`front`) or after `x` along `axis`."""
    pads = np.zeros((2, len(x.shape)), np.int64)
    pads[0 if front else 1, axis] = 1
    shape = _resized(x.shape, axis, _lengthened(x.shape[axis]))
    return graph.add("Pad", [x, graph.constant(pads.reshape(-1))], shape)


def cropped(graph: Graph, x: Tensor, like: Tensor) -> Tensor:
    """Crop the upper left of `x` to the height and width of `like`, which is no larger.

    If both have the same size, the slice ends at the largest integer instead: a session
    that knows the sizes then removes the node.
    """
    sizes = [graph.add("Shape", [t], (2,), np.int64, start=2) for t in (x, like)]
    same = graph.add("Equal", sizes, (2,), np.bool_)
    whole = graph.constant(np.array([np.iinfo(np.int64).max] * 2))
    ends = graph.add("Where", [same, whole, sizes[1]], (2,), np.int64)
    start, axes = graph.constant(np.array([0, 0])), graph.constant(np.array([2, 3]))
    shape = (*x.shape[:2], *like.shape[2:])
    return graph.add("Slice", [x, start, ends, axes], shape)


def concat(graph: Graph, parts: Sequence[Tensor], axis: int, dim: Dim) -> Tensor:
    """Join `parts` along `axis`, whose length becomes `dim`.

    Many are joined a few at a time, because WebGPU binds 8 buffers to a node.
    """
    most = 7
    while len(parts) > most:
        length = added([part.shape[axis] for part in parts[:most]])
        parts = [concat(graph, parts[:most], axis, length), *parts[most:]]
    shape = _resized(parts[0].shape, axis, dim)
    return graph.add("Concat", parts, shape, parts[0].dtype, axis=axis)


def added(sizes: Sequence[Dim]) -> Dim:
    """Return the sum of sizes, a formula if one of them is."""
    known = sum(size for size in sizes if isinstance(size, int))
    formulas = [size for size in sizes if isinstance(size, str)]
    if not formulas:
        return known
    return "+".join([str(known), *formulas]) if known else "+".join(formulas)


def _sliced(
    graph: Graph, x: Tensor, axis: int, start: int, end: int, dim: Dim
) -> Tensor:
    """Slices `start` to before `end` along `axis`, whose length becomes `dim`."""
    bounds = [graph.constant([bound]) for bound in (start, end, axis)]
    return graph.add("Slice", [x, *bounds], _resized(x.shape, axis, dim))


def _resized(shape: Shape, axis: int, dim: Dim) -> Shape:
    """Return `shape` with the length `dim` along `axis`."""
    return (*shape[:axis], dim, *shape[axis + 1 :])


def halved(dim: Dim) -> Dim:
    """Half of a dimension, rounded down: ``H`` → ``H/2`` → ``H/4``."""
    if isinstance(dim, int):
        return dim // 2
    name, _, divisor = dim.partition("/")
    return f"{name}/{2 * int(divisor or 1)}"


def shortened(dim: Dim) -> Dim:
    """Subtract one from a dimension."""
    return dim - 1 if isinstance(dim, int) else f"{dim}-1"


def _lengthened(dim: Dim) -> Dim:
    return dim + 1 if isinstance(dim, int) else dim.removesuffix("-1")


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape of an elementwise operator over shapes `a` and `b`."""
    rank = max(len(a), len(b))
    left, right = ((1,) * (rank - len(s)) + s for s in (a, b))
    if any(x != y and 1 not in (x, y) for x, y in zip(left, right, strict=True)):
        raise GraphError(f"shapes {a} and {b} do not broadcast")
    return tuple(y if x == 1 else x for x, y in zip(left, right, strict=True))


def _need(x: Tensor, op: str, rank: int) -> None:
    if len(x.shape) != rank:
        raise GraphError(f"{op}: {x.name} has shape {x.shape}, expected rank {rank}")
