"""Defines what all graphs of a model share: a network and its layers with losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from lightstyle import contract

from .errors import ExportError
from .graph import Graph
from .weights import Weights

#: Default layers: the style layers of Gatys et al. 2015, both usual content layers, and
#: one that keeps edges.
CONTENT_LAYERS = ("conv3_1", "conv4_2", "conv5_2")
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


@dataclass(frozen=True)
class LossNetwork:
    """A fixed network and the layers at which losses compare its features.

    Attributes:
        weights: Weights of the network.
        content_layers: Layers with a content term.
        style_layers: Layers with a style term.
        pooling: ``max`` or ``average``.
        dtype: float64 only where gradients are checked on the reference evaluator.
    """

    weights: Weights
    content_layers: Sequence[str]
    style_layers: Sequence[str]
    pooling: str = "max"
    dtype: DTypeLike = np.float32

    def __post_init__(self) -> None:
        """Check layers and pooling.

        Raises:
            ExportError: A layer is not in the network or named twice, there is no layer
                at all, or the pooling is unknown.
        """
        known = [*(self.weights.embeddings or self.weights.kernels)]
        if self.pooling not in contract.POOLINGS:
            expected = " or ".join(contract.POOLINGS)
            raise ExportError(f"unknown pooling {self.pooling!r}: expected {expected}")
        for layers in (self.content_layers, self.style_layers):
            for layer in layers:
                if layer not in known:
                    raise ExportError(
                        f"no losses at layer {layer!r} with these weights: expected "
                        f"one of {', '.join(known)}"
                    )
            if len(set(layers)) != len(layers):
                raise ExportError(
                    f"layers {', '.join(layers)} name one twice: name each once"
                )
        if not self.layers:
            raise ExportError("got no layers: give at least one content or style layer")

    @property
    def layers(self) -> set[str]:
        """Layers with a term of either kind."""
        return {*self.content_layers, *self.style_layers}

    def graph(self) -> Graph:
        """Return an empty graph of the network's dtype."""
        return Graph(dtype=np.dtype(self.dtype))
