"""Where a picture is flat, and so the maxima of a pooling are equal but for rounding.

On white paper, a logo or a clear sky all four values of a pooling window are equal, in
exact arithmetic and in that of a direct convolution, whose every position adds up the
same numbers in the same order. Winograd's 16 positions of a tile each have an order of
their own, rounding tells the four apart, and the one that it favours would get all of
the gradient. So on flat ground, values within a margin of rounding count as equal.

Only there: elsewhere two of a window come that close by chance, one in some 10,000, and
that shows. A window is flat if two neighbours in it are equal within the margin in all
of a few channels. In deep layers these may all be 0; the others then have the margin
too, which is no worse than chance.
"""

from collections.abc import Mapping, Set
from typing import Final

from . import ops
from .graph import Graph, Node, Tensor
from .rewrite import Rule

#: What rounding may make of equal activations, as a share of the mean one at a spot:
#: more than all but a few of bars on white paper are apart (test_vgg19.py).
ROUNDING: Final = 2e-5

#: Channels that are looked at.
CHANNELS: Final = 16


def with_margins(old: Graph, rounded: Set[Tensor]) -> Rule:
    """Rule that gives the gradient of max poolings a margin on flat ground.

    Args:
        old: The graph that will be rewritten.
        rounded: Kernels of the convolutions that round their positions differently.
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
    """Margin (1, C, h, w) for the maxima `y` of windows of `x`; 0 but where flat.

    It never reaches down to 0, which no ReLU passes a gradient to.
    """
    rounding = ops.scaled(graph, ops.channel_mean(graph, y), ROUNDING)
    few = ops.first(graph, x, 1, CHANNELS)
    closest = ops.concat(graph, [_closeness(graph, few, axis) for axis in (2, 3)], 1, 2)
    variation = ops.neg(graph, ops.maximum(graph, closest, 1))
    flat = ops.mask(graph, "LessOrEqual", variation, rounding)
    margin = ops.mul(graph, flat, rounding)
    return ops.lesser(graph, margin, ops.scaled(graph, y, 0.5))


def _closeness(graph: Graph, x: Tensor, axis: int) -> Tensor:
    """−(difference, in any channel, of a window's two closest neighbours along `axis`).

    The result is (1, 1, h, w).
    """
    pair, other = ((2, 1), (1, 2)) if axis == 2 else ((1, 2), (2, 1))
    greatest = ops.greatest(graph, x, pair)
    least = ops.greatest(graph, ops.neg(graph, x), pair)  # its negative
    difference = ops.maximum(graph, ops.add(graph, greatest, least), 1)
    return ops.greatest(graph, ops.neg(graph, difference), other)
