"""A loss and its gradient in parts: the same as of the whole picture, in less memory.

Two sweeps over the blocks of the network, each in strips along the longer side, as
`export.parts` describes. Between blocks, only what the poolings give is kept: 120 bytes
a pixel, where the whole takes 2,000. Sums over positions are added up in
float64, so that the largest picture loses nothing to a float32 sum.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np

from .. import contract
from ..arrays import FloatArray
from . import heads
from .heads import Run
from .strips import Strip, at, copied, cut, empty_whole, long_axis, place

#: Lines that a block's convolutions spoil at the edge of a part, forward: one each.
#: Backward, the gradient needs activations that far from it, which need as many again.
REACH: Final = {1: 2, 2: 2, 3: 4, 4: 4, 5: 4}


@dataclass(frozen=True)
class Tiling:
    """How the input of each block is cut into strips.

    Attributes:
        forward: Lines of a strip in the forward sweep, halos included, by block.
        backward: The same for the backward sweep.
    """

    forward: Mapping[int, int]
    backward: Mapping[int, int]

    @property
    def lines(self) -> int:
        """Lines of the picture in the first block's strips."""
        return self.forward[1]

    def within(self, other: Self) -> bool:
        """Return whether no strip has more lines than the same block's of `other`."""
        return all(
            mine[number] <= theirs[number]
            for mine, theirs in (
                (self.forward, other.forward),
                (self.backward, other.backward),
            )
            for number in mine
        )


class TiledModel:
    """Evaluates pictures in parts."""

    def __init__(
        self, run: Run, content_layers: Sequence[str], style_layers: Sequence[str]
    ) -> None:
        """Evaluate with the graphs that `run` runs.

        Args:
            run: Given a role of `contract` and feeds, returns outputs by name.
            content_layers: Of the model.
            style_layers: Of the model.
        """
        self._run = run
        self._content_layers = content_layers
        self._style_layers = style_layers
        layers = {*content_layers, *style_layers}
        self._blocks = range(1, max(map(contract.block, layers)) + 1)

    def targets(
        self,
        image: FloatArray,
        plan: Tiling,
        guides: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Content features and Gram matrices, as the targets graph gives them.

        With `guides`, by feed, as the guided one does.
        """
        guides = guides or {}
        sweep = self._forward(image, plan, guides, keep_features=True)
        feeds = heads.none_wanted(
            self._style_layers, sweep.sums, image.dtype, guided=bool(guides)
        )
        made = self._heads(sweep, feeds)
        found = sweep.features
        for layer in self._style_layers:
            grams = made[contract.normalised_gram(layer)]
            found[contract.style_target(layer)] = grams if guides else grams[0]
        return found

    def evaluate(
        self, image: FloatArray, feeds: Mapping[str, FloatArray], plan: Tiling
    ) -> dict[str, FloatArray]:
        """Outputs of the evaluation graph: terms as partial sums, and the gradient.

        Of the guided one, if guides are among the `feeds`.
        """
        sweep = self._forward(image, plan, feeds)
        made = self._heads(sweep, feeds)
        terms = {name: made[name] for name in made if "_loss/" in name}
        return terms | self._backward(sweep.inputs, plan, {**feeds, **made})

    def _forward(
        self,
        image: FloatArray,
        plan: Tiling,
        guides: Mapping[str, FloatArray],
        *,
        keep_features: bool = False,
    ) -> "_Forward":
        sweep = _Forward([image])
        for number in self._blocks:
            x = sweep.inputs[-1]
            strips = [*cut(x.shape[long_axis(x)], plan.forward[number], REACH[number])]
            pooled = None
            for strip in strips:
                role = contract.part_role(number, contract.FORWARD)
                last = strip is strips[-1]
                given = _part(x, strip)
                given |= _guided(x, strip, guides, number)
                given[contract.PART_GUIDE] *= given[contract.PART_MASK]
                outputs = self._run(role, given, last=last)
                if contract.POOLED in outputs:
                    part = outputs.pop(contract.POOLED)
                    if pooled is None:
                        pooled = empty_whole(part, [n // 2 for n in x.shape[2:]])
                    place(pooled, part, long_axis(x), strip, scale=2)
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
        positions = {}
        for layer in self._style_layers:
            _, _, height, width = sweep.inputs[contract.block(layer) - 1].shape
            positions[layer] = height * width
        return heads.style_losses(
            self._run, self._style_layers, sweep.sums, positions, feeds
        )

    def _backward(
        self, inputs: list[FloatArray], plan: Tiling, seeds: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """Gradient of the picture, and the terms that are sums over positions.

        `inputs` of the blocks, but for the first, which is the picture, are used up:
        the gradient of each takes its place.
        """
        outputs: dict[str, FloatArray] = {}
        for number in reversed(self._blocks):
            x = inputs.pop()
            axis, gradient = long_axis(x), x if inputs else np.empty_like(x)
            strips = [*cut(x.shape[axis], plan.backward[number], 2 * REACH[number])]
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
        """What of `seeds` belongs to a part: its lines of the targets, all else."""
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
    """What a forward sweep leaves: inputs of the blocks, sums, features."""

    inputs: list[FloatArray]
    sums: dict[str, FloatArray] = field(default_factory=dict)
    features: dict[str, FloatArray] = field(default_factory=dict)

    def add(
        self, name: str, value: FloatArray, x: FloatArray, strip: Strip, *, keep: bool
    ) -> None:
        """Take an output of a part of `x`; features only to `keep` them."""
        if not name.startswith(_CONTENT_TARGET):
            self.sums[name] = self.sums.get(name, 0) + value.astype(np.float64)
        elif keep:
            whole = self.features.setdefault(name, empty_whole(value, x.shape[2:]))
            place(whole, value, long_axis(x), strip)


def _part(x: FloatArray, strip: Strip) -> dict[str, FloatArray]:
    """Lines of `x` that a strip needs, and the mask of those that count."""
    axis = long_axis(x)
    part = copied(x, axis, slice(strip.start, strip.stop))
    mask = np.zeros((1, 1, *part.shape[2:]), x.dtype)
    at(mask, axis, slice(strip.first - strip.start, strip.last - strip.start))[...] = 1
    return {contract.PART: part, contract.PART_MASK: mask}


def _guided(
    x: FloatArray, strip: Strip, guides: Mapping[str, FloatArray], number: int
) -> dict[str, FloatArray]:
    """What the positions of a part of block `number` count: all 1 without a guide."""
    guide, axis = guides.get(contract.guide(number)), long_axis(x)
    if guide is None:
        guide = np.broadcast_to(np.ones((), x.dtype), (1, 1, *x.shape[2:]))
    lines = slice(strip.start, strip.stop)
    return {contract.PART_GUIDE: copied(guide, axis, lines)}


def _parts(
    x: FloatArray, strips: Sequence[Strip]
) -> Iterator[tuple[Strip, dict[str, FloatArray]]]:
    """Each strip with its part of `x`, whose lines may be written over once they count.

    The next strip needs some of those; they are copied before.
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
