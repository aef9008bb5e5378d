"""Evaluates a picture in strips: the same loss and gradient in less memory.

Two sweeps go over the blocks of the network, each in strips along the longer side, as
`export.parts` describes. Between blocks only the outputs of the poolings are kept: 120
bytes per pixel, where a whole evaluation takes 2,000. Sums over positions are added up
in float64, so that the largest picture loses nothing to a float32 sum.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .. import contract
from ..arrays import FloatArray
from . import heads
from .heads import Run
from .strips import REACH, Strip, Tiling, at, copied, cut, empty_whole, long_axis, place


class TiledModel:
    """Evaluates pictures in strips."""

    def __init__(
        self, run: Run, content_layers: Sequence[str], style_layers: Sequence[str]
    ) -> None:
        """Use the graphs that `run` runs.

        Args:
            run: Runs the graph of a role of `contract`.
            content_layers: The model's layers with content terms.
            style_layers: The model's layers with style terms.
        """
        self._run = run
        self._content_layers = content_layers
        self._style_layers = style_layers
        layers = {*content_layers, *style_layers}
        self._blocks = range(1, max(map(contract.block, layers)) + 1)

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
        guides = guides or {}
        sweep = self._forward(image, tiling, guides, keep_features=True)
        feeds = heads.zero_feeds(
            self._style_layers, sweep.sums, image.dtype, guided=bool(guides)
        )
        made = self._heads(sweep, feeds)
        found = sweep.features
        for layer in self._style_layers:
            grams = made[contract.normalised_gram(layer)]
            found[contract.style_target(layer)] = grams if guides else grams[0]
        return found

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
        sweep = self._forward(image, tiling, feeds)
        made = self._heads(sweep, feeds)
        terms = {name: made[name] for name in made if "_loss/" in name}
        return terms | self._backward(sweep.inputs, tiling, {**feeds, **made})

    def _forward(
        self,
        image: FloatArray,
        tiling: Tiling,
        guides: Mapping[str, FloatArray],
        *,
        keep_features: bool = False,
    ) -> "_Forward":
        sweep = _Forward([image])
        for number in self._blocks:
            x = sweep.inputs[-1]
            axis = long_axis(x)
            strips = [*cut(x.shape[axis], tiling.forward[number], REACH[number])]
            role = contract.part_role(number, contract.FORWARD)
            pooled = None
            for strip in strips:
                given = _part(x, strip) | _guided(x, strip, guides, number)
                given[contract.PART_GUIDE] *= given[contract.PART_MASK]
                outputs = self._run(role, given, last=strip is strips[-1])
                if contract.POOLED in outputs:
                    part = outputs.pop(contract.POOLED)
                    if pooled is None:
                        pooled = empty_whole(part, [n // 2 for n in x.shape[2:]])
                    place(pooled, part, axis, strip, scale=2)
                for name, value in outputs.items():
                    sweep.add(name, value, x, strip, keep=keep_features)
            if pooled is not None:
                sweep.inputs.append(pooled)
        return sweep

    def _heads(
        self, sweep: "_Forward", feeds: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        if not self._style_layers:
            return {}
        layers = self._style_layers
        inputs = [sweep.inputs[contract.block(layer) - 1] for layer in layers]
        positions = [math.prod(x.shape[2:]) for x in inputs]
        return heads.style_losses(self._run, layers, sweep.sums, positions, feeds)

    def _backward(
        self, inputs: list[FloatArray], tiling: Tiling, seeds: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """Return the picture's gradient and the terms that are sums over positions.

        The `inputs` of all blocks but the first, which is the picture, are overwritten
        by their gradients.
        """
        outputs: dict[str, FloatArray] = {}
        for number in reversed(self._blocks):
            x = inputs.pop()
            axis, gradient = long_axis(x), x if inputs else np.empty_like(x)
            strips = [*cut(x.shape[axis], tiling.backward[number], 2 * REACH[number])]
            for strip, given in _parts(x, strips):
                given |= self._share(x, strip, seeds, number)
                if contract.GRADIENT in outputs:
                    lines = slice(strip.start // 2, strip.stop // 2)
                    above = outputs[contract.GRADIENT]
                    given[contract.POOLED_GRADIENT] = copied(above, axis, lines)
                role = contract.part_role(number, contract.BACKWARD)
                made = self._run(role, given, last=strip is strips[-1])
                part = made.pop(contract.GRADIENT)
                place(gradient, part, axis, strip)
                for name, partials in made.items():
                    total = np.sum(partials, dtype=np.float64)
                    outputs[name] = outputs.get(name, np.zeros(())) + total
            outputs[contract.GRADIENT] = gradient
        return outputs

    def _share(
        self, x: FloatArray, strip: Strip, seeds: Mapping[str, FloatArray], number: int
    ) -> dict[str, FloatArray]:
        """Return the seeds of a strip: its lines of content targets, all of others."""
        share = {n: v for n, v in seeds.items() if not n.startswith(_CONTENT_TARGET)}
        share |= _guided(x, strip, seeds, number)
        for layer in self._content_layers:
            if contract.block(layer) == number:
                name = contract.content_target(layer)
                lines = slice(strip.start, strip.stop)
                share[name] = copied(seeds[name], long_axis(x), lines)
        return share


_CONTENT_TARGET: Final = contract.content_target("")


@dataclass
class _Forward:
    """Results of a forward sweep.

    Attributes:
        inputs: Input of each block; the first is the picture.
        sums: Sums over positions by name.
        features: Content features by name, if they are kept.
    """

    inputs: list[FloatArray]
    sums: dict[str, FloatArray] = field(default_factory=dict)
    features: dict[str, FloatArray] = field(default_factory=dict)

    def add(
        self, name: str, value: FloatArray, x: FloatArray, strip: Strip, *, keep: bool
    ) -> None:
        """Add an output for a strip of `x`; `keep` features, or drop them."""
        if not name.startswith(_CONTENT_TARGET):
            self.sums[name] = self.sums.get(name, 0) + value.astype(np.float64)
        elif keep:
            whole = self.features.setdefault(name, empty_whole(value, x.shape[2:]))
            place(whole, value, long_axis(x), strip)


def _part(x: FloatArray, strip: Strip) -> dict[str, FloatArray]:
    """Return the strip's lines of `x`, and the mask of its own lines."""
    axis = long_axis(x)
    part = copied(x, axis, slice(strip.start, strip.stop))
    mask = np.zeros((1, 1, *part.shape[2:]), x.dtype)
    at(mask, axis, slice(strip.first - strip.start, strip.last - strip.start))[...] = 1
    return {contract.PART: part, contract.PART_MASK: mask}


def _guided(
    x: FloatArray, strip: Strip, guides: Mapping[str, FloatArray], number: int
) -> dict[str, FloatArray]:
    """Return the weights of a strip's positions in a block; 1 without guides."""
    guide, axis = guides.get(contract.guide(number)), long_axis(x)
    if guide is None:
        guide = np.broadcast_to(np.ones((), x.dtype), (1, 1, *x.shape[2:]))
    lines = slice(strip.start, strip.stop)
    return {contract.PART_GUIDE: copied(guide, axis, lines)}


def _parts(
    x: FloatArray, strips: Sequence[Strip]
) -> Iterator[tuple[Strip, dict[str, FloatArray]]]:
    """Yield each strip with its lines of `x`, which may then be overwritten in `x`.

    Lines that the next strip needs as well are copied before.
    """
    axis, ahead = long_axis(x), None
    for strip, following in zip(strips, [*strips[1:], None], strict=True):
        given = _part(x, strip)
        part = given[contract.PART]
        if ahead is not None:
            at(part, axis, slice(ahead.shape[axis]))[...] = ahead
        if following is not None:
            lines = slice(following.start - strip.start, strip.last - strip.start)
            ahead = copied(part, axis, lines)
        yield strip, given
