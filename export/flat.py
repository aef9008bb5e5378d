"""Treats nearly equal maxima of a pooling window as equal where a picture is flat.

On white paper, a logo or a clear sky, all four values of a pooling window are equal in
exact arithmetic. They are equal after a direct convolution too, which adds the same
numbers in the same order at every position. Winograd's uses another order at each of
the 16 positions of a tile, so rounding makes the four differ, and one of them would get
the whole gradient. On flat ground, values within a margin of rounding therefore count
as equal.

Elsewhere they do not: two values of a window come that close by chance in one window of
some 10,000, and a margin there would be visible. A window is flat if two neighbours in
it are equal within the margin in each of the first few channels. In deep layers these
channels may all be 0; the margin then applies to the other channels too, which is no
worse than chance.
"""

from collections.abc import Mapping, Set
from typing import Final

from . import ops
from .graph import Graph, Node, Tensor
from .rewrite import Rule

#: Difference that rounding makes between equal activations, relative to the mean
#: activation at a position. It covers all but a few windows of bars on white paper
#: (test_vgg19.py).
ROUNDING: Final = 2e-5

#: Number of channels compared to decide whether a window is flat.
CHANNELS: Final = 16


def with_margins(old: Graph, rounded: Set[Tensor]) -> Rule:
    """Make a rule that gives max pooling gradients a margin on flat ground.

    Args:
        old: The graph to rewrite.
        rounded: Kernels of the convolutions whose rounding differs by position.
    """
    makers = {node.output: node for node in old.nodes}

    def rule(graph: Graph, node: Node, new: Mapping[Tensor, Tensor]) -> Tensor | None:
        if node.op != "MaxPoolGradient":
            return None
        tensor, exact = node.inputs[0], True
        while tensor in makers:
            exact &= rounded.isdisjoint(makers[tensor].inputs[1:])
            tensor = makers[tensor].inputs[0]
        if exact:
            return None
        x, y, g = (new[tensor] for tensor in node.inputs)
        return ops.max_pool_gradient(graph, x, y, g, _margin(graph, x, y))

    return rule


def _margin(graph: Graph, x: Tensor, y: Tensor) -> Tensor:
    """Return the margin (1, C, h, w) for the maxima `y` of windows of `x`.

    It is 0 where the picture is not flat, and less than `y`, because a value of 0 gets
    no gradient from a ReLU.
    """
    rounding = ops.scaled(graph, ops.channel_mean(graph, y), ROUNDING)
    few = ops.first(graph, x, 1, CHANNELS)
    closest = ops.concat(graph, [_closeness(graph, few, axis) for axis in (2, 3)], 1, 2)
    variation = ops.neg(graph, ops.maximum(graph, closest, 1))
    flat = ops.mask(graph, "LessOrEqual", variation, rounding)
    margin = ops.mul(graph, flat, rounding)
    return ops.lesser(graph, margin, ops.scaled(graph, y, 0.5))


def _closeness(graph: Graph, x: Tensor, axis: int) -> Tensor:
    """Return −(difference of a window's two closest neighbours along `axis`).

    The difference is the largest over all channels; the result is (1, 1, h, w).
    """
    pair, other = ((2, 1), (1, 2)) if axis == 2 else ((1, 2), (2, 1))
    greatest = ops.greatest(graph, x, pair)
    least = ops.greatest(graph, ops.neg(graph, x), pair)  # its negative
    difference = ops.maximum(graph, ops.add(graph, greatest, least), 1)
    return ops.greatest(graph, ops.neg(graph, difference), other)
