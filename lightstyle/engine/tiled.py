"""Evaluates a picture in strips: the same loss and gradient in less memory.

A picture is a single band here; `cluster.bands` has many of them, on many machines.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..arrays import FloatArray
from .bands import Band
from .heads import Heads, RunGraph
from .strips import Tiling
from .sweeps import Sweeps


class Parts(Protocol):
    """Evaluates pictures in parts."""

    def targets(
        self,
        image: FloatArray,
        tiling: Tiling,
        guides: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Compute the outputs of the targets graph, features and Gram matrices.

        Args:
            image: (1, 3, H, W).
            tiling: How it is cut.
            guides: Weights of positions in regions by feed, for the outputs of the
                guided targets graph.
        """

    def evaluate(
        self, image: FloatArray, feeds: Mapping[str, FloatArray], tiling: Tiling
    ) -> dict[str, FloatArray]:
        """Compute the outputs of the evaluation graph, terms and the gradient.

        Args:
            image: (1, 3, H, W).
            feeds: Feeds of the evaluation graph; of the guided one if there are guides
                among them.
            tiling: How the picture is cut.
        """


class TiledModel:
    """Evaluates pictures in strips.

    Attributes:
        sweeps: The sweeps over a band.
        heads: What becomes of the sums over all bands.
    """

    def __init__(
        self, run: RunGraph, content_layers: Sequence[str], style_layers: Sequence[str]
    ) -> None:
        """Use the graphs that `run` runs.

        Args:
            run: Runs the graph of a role of `contract`.
            content_layers: The model's layers with content terms.
            style_layers: The model's layers with style terms.
        """
        self.sweeps = Sweeps(run, content_layers, style_layers)
        self.heads = Heads(run, style_layers)

    def targets(
        self,
        image: FloatArray,
        tiling: Tiling,
        guides: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """As `Parts`."""
        guides, band = guides or {}, Band.whole(image)
        sweep = self.sweeps.forward(image, band, tiling, guides, features=True)
        size, kind = image.shape[2:], image.dtype
        grams = self.heads.targets(sweep.sums, size, kind, guided=bool(guides))
        return sweep.features | grams

    def evaluate(
        self, image: FloatArray, feeds: Mapping[str, FloatArray], tiling: Tiling
    ) -> dict[str, FloatArray]:
        """As `Parts`."""
        sweep = self.sweeps.forward(image, Band.whole(image), tiling, feeds)
        made = self.heads.losses(sweep.sums, image.shape[2:], feeds)
        terms = {name: made[name] for name in made if "_loss/" in name}
        return terms | self.sweeps.backward(sweep, tiling, {**feeds, **made})
