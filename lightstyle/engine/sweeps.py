"""The two sweeps over the blocks of a network, each in strips, of a picture or a band.

`export.parts` describes the graphs. Between blocks only the outputs of the poolings are
kept: with VGG19 120 bytes per pixel, where a whole evaluation takes 2,100. Bands for
which a worker has 1,200 more keep activations as well, and the buffers of the graphs:
to compute the ones again, and to ask the system for the others, takes two thirds of the
time again. Sums over positions are added up in float64, so that the largest picture
loses nothing to a float32 sum.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .. import contract
from ..arrays import FloatArray
from .bands import Band
from .heads import RunGraph
from .strips import REACH, Strip, Tiling, at, copied, cut, empty_whole, place

CONTENT_TARGET: Final = contract.content_target("")
_ACTIVATION: Final = contract.activation("")


@dataclass
class Forward:
    """Results of a forward sweep over a band.

    Attributes:
        band: The band.
        inputs: Input of each block; the first is the picture.
        sums: Sums over the band's own positions by name.
        activations: Those that are kept, by name, of all lines of the band.
    """

    band: Band
    inputs: list[FloatArray]
    sums: dict[str, FloatArray] = field(default_factory=dict)
    activations: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def features(self) -> dict[str, FloatArray]:
        """What is kept, by the names of content targets."""
        start = len(_ACTIVATION)
        return {CONTENT_TARGET + n[start:]: x for n, x in self.activations.items()}

    def add(self, name: str, value: FloatArray, x: FloatArray, strip: Strip) -> None:
        """Add an output for a strip of `x`: a sum, or an activation to keep."""
        if not name.startswith(_ACTIVATION):
            self.sums[name] = self.sums.get(name, 0) + value.astype(np.float64)
        elif value.shape[2:] == x.shape[2:]:  # there is but one strip
            self.activations[name] = value
        else:
            if name not in self.activations:
                self.activations[name] = empty_whole(value, x.shape[2:])
            place(self.activations[name], value, self.band.axis, strip)


#: Activations by name.
_Activations = Mapping[str, FloatArray]


class Sweeps:
    """Computes sums forward and gradients backward."""

    def __init__(
        self, run: RunGraph, content_layers: Sequence[str], style_layers: Sequence[str]
    ) -> None:
        """Use the graphs that `run` runs.

        Args:
            run: Runs the graph of a role of `contract`.
            content_layers: The model's layers with content terms.
            style_layers: The model's layers with style terms.
        """
        self._run = run
        self._content_layers = content_layers
        self._layers = contract.needed_layers((*content_layers, *style_layers))
        self._blocks = range(1, contract.block(self._layers[-1]) + 1)

    def forward(
        self,
        image: FloatArray,
        band: Band,
        tiling: Tiling,
        guides: Mapping[str, FloatArray],
        *,
        features: bool = False,
    ) -> Forward:
        """Compute the sums over a band's own positions.

        Args:
            image: The lines of the picture that the band is computed from.
            band: The band.
            tiling: How it is cut into strips.
            guides: Weights of its positions in regions by feed, if there are any; other
                feeds are ignored.
            features: Whether only content features are wanted, and no backward sweep
                follows.
        """
        sweep, axis = Forward(band, [image]), band.axis
        way = contract.FORWARD if features else tiling.way_forth
        keeps = features or tiling.keeps
        for number in self._blocks:
            x, own = sweep.inputs[-1], band.own(number)
            strips = [*cut(x.shape[axis], tiling.forward[number], REACH[number])]
            role = contract.part_role(number, way)
            pooled = None
            for strip in strips:
                given = _part(x, axis, strip, own)
                given |= _guided(x, axis, strip, guides, number)
                given[contract.PART_GUIDE] *= given[contract.PART_MASK]
                last = strip is strips[-1] and way == contract.FORWARD
                outputs = self._run(role, given, last=last)
                if contract.POOLED in outputs:
                    part = outputs.pop(contract.POOLED)
                    if pooled is None:
                        pooled = empty_whole(part, [n // 2 for n in x.shape[2:]])
                    place(pooled, part, axis, strip, scale=2)
                for name, value in outputs.items():
                    if keeps or not name.startswith(_ACTIVATION):
                        sweep.add(name, value, x, strip)
            if pooled is not None:
                sweep.inputs.append(pooled)
        return sweep

    def backward(
        self, sweep: Forward, tiling: Tiling, seeds: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """Return the gradient of a band and the terms that are sums over positions.

        Args:
            sweep: What `forward` returned. The inputs of all blocks but the first,
                which is the picture, are overwritten by their gradients; activations
                are given up as they are used.
            tiling: How the band is cut into strips.
            seeds: Gradients of the sums over all bands, weights, and the lines of
                content targets and guides that the band is computed from.
        """
        outputs: dict[str, FloatArray] = {}
        band, inputs = sweep.band, sweep.inputs
        axis, above = band.axis, slice(0)
        for number in reversed(self._blocks):
            window = band.needed(number, tiling.sides)
            x = at(inputs.pop(), axis, window)
            gradient = x if inputs else np.empty_like(x)
            halo = tiling.sides * REACH[number]
            strips = [*cut(x.shape[axis], tiling.backward[number], halo)]
            kept = self._kept(sweep, number, window)
            share = self._window(seeds, axis, window, number)
            for strip, given in _parts(x, axis, strips, band.own(number), window):
                given |= self._share(share, x, axis, strip, number)
                lines = slice(strip.start, strip.stop)
                for name, values in kept.items():
                    given[name] = np.ascontiguousarray(at(values, axis, lines))
                if contract.GRADIENT in outputs:
                    offset = window.start // 2 - above.start
                    lines = slice(strip.start // 2 + offset, strip.stop // 2 + offset)
                    pooled = copied(outputs[contract.GRADIENT], axis, lines)
                    given[contract.POOLED_GRADIENT] = pooled
                role = contract.part_role(number, tiling.way_back)
                last = strip is strips[-1] and not tiling.keeps
                made = self._run(role, given, last=last)
                part = made.pop(contract.GRADIENT)
                place(gradient, part, axis, strip)
                for name, partials in made.items():
                    total = np.sum(partials, dtype=np.float64)
                    outputs[name] = outputs.get(name, np.zeros(())) + total
            wanted = band.wanted(number)
            # Beyond what is wanted, the gradient is wrong: the edge of the band is
            # near. It reaches nothing that is wanted below, but may not be finite.
            at(gradient, axis, slice(wanted.start - window.start))[...] = 0
            at(gradient, axis, slice(wanted.stop - window.start, None))[...] = 0
            outputs[contract.GRADIENT], above = gradient, window
        own = band.own(1)
        lines = slice(own.start - above.start, own.stop - above.start)
        outputs[contract.GRADIENT] = at(outputs[contract.GRADIENT], axis, lines)
        return outputs

    def _kept(self, sweep: Forward, number: int, window: slice) -> _Activations:
        """Give up a block's kept activations, and return those of a window."""
        layers = [layer for layer in self._layers if contract.block(layer) == number]
        axis, own = sweep.band.axis, sweep.activations
        names = [*filter(own.__contains__, map(contract.activation, layers))]
        return {name: at(own.pop(name), axis, window) for name in names}

    def _window(
        self, seeds: Mapping[str, FloatArray], axis: int, window: slice, number: int
    ) -> dict[str, FloatArray]:
        """Return the seeds of a block: lines of `window` where seeds have lines."""
        lined = {
            contract.content_target(layer)
            for layer in self._content_layers
            if contract.block(layer) == number
        } | {contract.guide(number)}
        return {
            name: at(value, axis, window) if name in lined else value
            for name, value in seeds.items()
            if name in lined or not name.startswith(CONTENT_TARGET)
        }

    def _share(
        self,
        seeds: Mapping[str, FloatArray],
        x: FloatArray,
        axis: int,
        strip: Strip,
        number: int,
    ) -> dict[str, FloatArray]:
        """Return the seeds of a strip: its lines of content targets, all of others."""
        lines = slice(strip.start, strip.stop)
        share = {
            name: copied(value, axis, lines)
            if name.startswith(CONTENT_TARGET)
            else value
            for name, value in seeds.items()
        }
        return share | _guided(x, axis, strip, seeds, number)


def _part(x: FloatArray, axis: int, strip: Strip, own: slice) -> dict[str, FloatArray]:
    """Return the strip's lines of `x`, and the mask of those that are its own.

    Args:
        x: Lines of a band.
        axis: The axis along which it is cut.
        strip: The strip.
        own: Lines of `x` that are the band's own.
    """
    part = copied(x, axis, slice(strip.start, strip.stop))
    mask = np.zeros((1, 1, *part.shape[2:]), x.dtype)
    first, last = max(strip.first, own.start), min(strip.last, own.stop)
    if first < last:
        at(mask, axis, slice(first - strip.start, last - strip.start))[...] = 1
    return {contract.PART: part, contract.PART_MASK: mask}


def _guided(
    x: FloatArray,
    axis: int,
    strip: Strip,
    guides: Mapping[str, FloatArray],
    number: int,
) -> dict[str, FloatArray]:
    """Return the weights of a strip's positions in a block; 1 without guides."""
    guide = guides.get(contract.guide(number))
    if guide is None:
        guide = np.broadcast_to(np.ones((), x.dtype), (1, 1, *x.shape[2:]))
    lines = slice(strip.start, strip.stop)
    return {contract.PART_GUIDE: copied(guide, axis, lines)}


def _parts(
    x: FloatArray, axis: int, strips: Sequence[Strip], own: slice, window: slice
) -> Iterator[tuple[Strip, dict[str, FloatArray]]]:
    """Yield each strip with its lines of `x`, which may then be overwritten in `x`.

    Lines that the next strip needs as well are copied before. The band's `own` lines
    are counted from where those of its `window` are, which `x` has.
    """
    own = slice(own.start - window.start, own.stop - window.start)
    ahead = None
    for strip, following in zip(strips, [*strips[1:], None], strict=True):
        given = _part(x, axis, strip, own)
        part = given[contract.PART]
        if ahead is not None:
            at(part, axis, slice(ahead.shape[axis]))[...] = ahead
        if following is not None:
            lines = slice(following.start - strip.start, strip.last - strip.start)
            ahead = copied(part, axis, lines)
        yield strip, given
