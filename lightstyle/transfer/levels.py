"""Coarse to fine: the sizes at which a picture is optimised, one after the other.

Small sizes find the broad structure: an evaluation is cheap there, and the network sees
more of the picture at once. Larger sizes add detail. As in Gatys et al., "Controlling
Perceptual Factors in Neural Style Transfer" (arXiv:1611.07865), with one departure: in
a run that starts from the content, the change of the content is enlarged from level to
level instead of the picture, so that the content's own detail is not lost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import numpy as np

from .. import contract, images
from ..arrays import Array, Size
from ..losses.objective import Losses
from ..settings.choices import Init
from ..settings.settings import Settings
from .inputs import Inputs
from .scene import Scene

#: Longest side of the coarsest level: halving goes on until it is nearest to this.
COARSEST: Final = 128

#: Sides of all levels but the last are multiples of this: their frames are thinnest.
_MULTIPLE: Final = 16

#: Least number of evaluations per level.
_LEAST: Final = 10

#: Evaluations of a level relative to the next finer one. With as many on every level,
#: or twice as many, the loss after the same time was 10 to 50 % higher.
GAIN: Final = 0.5


#: Share of the evaluations at the final size after which weights are corrected.
_FIRST: Final = 0.25


@dataclass(frozen=True)
class Level:
    """One level of the pyramid.

    Attributes:
        size: Width and height.
        until: Number of the run's evaluation after which the level ends.
    """

    size: Size
    until: int


def levels(
    size: Size, settings: Settings, *, corrected: bool = False
) -> tuple[Level, ...]:
    """Plan the levels of a run, the coarsest first.

    Args:
        size: Width and height of the result.
        settings: Settings of the run.
        corrected: Whether there are two levels of the final size, with other weights.
    """
    count = _count(size, settings.iterations) if settings.pyramid == "on" else 1
    sizes = [size, *(_reduced(size, 2**index) for index in range(1, count))][::-1]
    each = zip(sizes, untils(count, settings.iterations), strict=True)
    planned = [Level(*values) for values in each]
    last, begun = planned[-1].until, planned[-2].until if count > 1 else 0
    if corrected and last - begun >= 2 * _LEAST:
        planned.insert(-1, Level(size, begun + round((last - begun) * _FIRST)))
    return tuple(planned)


def untils(count: int, iterations: int) -> list[int]:
    """Share `iterations` among `count` levels, the coarsest first.

    Returns:
        Number of the evaluation after which each level ends.
    """
    weights = [GAIN ** (count - 1 - index) for index in range(count)]
    return [round(iterations * done / sum(weights)) for done in accumulate(weights)]


def coarsest(size: Size) -> Size:
    """Return the size of the coarsest level that a picture of `size` can have."""
    halvings = _halvings(size)
    return _reduced(size, 2**halvings) if halvings else size


def finer(
    best: Array, content: Array | None, finer_content: Array | None, size: Size
) -> Array:
    """Enlarge the picture of a level to start the next one.

    Args:
        best: Picture of the level, without its frame, (1, 3, h, w).
        content: Content at that size, if the change of it is to be enlarged; `None` to
            enlarge the image itself.
        finer_content: Content at the new size.
        size: New width and height.

    Returns:
        The start of the next level, (1, 3, H, W), 0…255.
    """
    if content is None or finer_content is None:
        picture = images.resampled(best, size)
    else:
        picture = finer_content + images.resampled(best - content, size)
    return np.clip(picture, np.float32(0), np.float32(255))


class Levels:
    """The levels of a run, the coarsest first.

    Attributes:
        settings: Settings of the run.
        plan: Size and evaluations of each level.
        scenes: The inputs at the size of each level.
        corrected: Whether the weights are corrected after each level.
    """

    def __init__(self, inputs: Inputs) -> None:
        """Plan the levels of a run with these `inputs`.

        Raises:
            ImageError: If a style has a shape that the network cannot take.
        """
        self.settings = inputs.settings
        # From any other start, content is found before it is lost.
        self.corrected = inputs.steered and inputs.settings.init == Init.CONTENT
        self.plan = levels(inputs.size, inputs.settings, corrected=self.corrected)
        longest = max(inputs.size)
        scenes = {
            level.size: Scene(inputs, level.size, max(level.size) / longest)
            for level in self.plan
        }
        self.scenes = [scenes[level.size] for level in self.plan]
        for each in scenes.values():
            each.style_sizes()

    def enlarged(self, canvas: Array, level: int, target: int) -> Array:
        """Enlarge the canvas of a level to that of another.

        Args:
            canvas: Canvas of the level, (1, 3, h, w).
            level: Index of the level.
            target: Index of the level whose canvas is wanted.

        Returns:
            Its canvas, (1, 3, h, w); the frame is mirrored anew.
        """
        coarse, fine = self.scenes[level], self.scenes[target]
        if coarse is fine:
            return canvas
        own = finer_own = None
        if self.settings.init == Init.CONTENT:
            own, finer_own = coarse.content_pixels(), fine.content_pixels()
        if own is not None and finer_own is not None:
            own, finer_own = coarse.frame.inside(own), fine.frame.inside(finer_own)
        picture = coarse.frame.inside(canvas)
        return fine.frame.around(finer(picture, own, finer_own, fine.size))


def seconds_left(
    plan: Sequence[Level], index: int, history: Sequence[Losses], started: int
) -> float:
    """Estimate the time of all remaining evaluations.

    Args:
        plan: Levels of the run.
        index: Index of the present level.
        history: Losses of all evaluations so far.
        started: Number of evaluations before the present level.

    Returns:
        Seconds; NaN before the first evaluation of the level.
    """
    recent = [losses.seconds for losses in history[started:]]
    recent = recent[1:] or recent  # the first one includes preparations
    if not recent:
        return math.nan
    each = sum(recent) / len(recent)
    left = each * (plan[index].until - len(history))
    area = math.prod(plan[index].size)
    for before, level in pairwise(plan[index:]):
        evaluations = level.until - before.until
        left += each * evaluations * math.prod(level.size) / area
    return left


def _count(size: Size, iterations: int) -> int:
    """Count the levels that the size and the number of evaluations allow."""
    return max(1, min(_halvings(size) + 1, iterations // _LEAST))


def _halvings(size: Size) -> int:
    """Count how often a size may be halved.

    The shorter side stays at three times `_MULTIPLE` or more, so that rounding hardly
    changes the proportions.
    """
    halvings = max(0, round(math.log2(max(size) / COARSEST)))
    narrow = max(contract.MINIMUM_SIDE, 3 * _MULTIPLE)
    while halvings and min(size) / 2**halvings < narrow:
        halvings -= 1
    return halvings


def _reduced(size: Size, factor: int) -> Size:
    width, height = (
        _MULTIPLE * max(1, round(side / factor / _MULTIPLE)) for side in size
    )
    return width, height
