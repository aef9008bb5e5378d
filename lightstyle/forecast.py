"""What a run will cost, said before it starts: memory, evaluations, time, strips.

Memory is what `memory` adds up. Time comes from a probe on this machine, two
evaluations of a small picture, and grows with the pixels; strips are computed with the
lines of their neighbours that they need, and the forward half twice.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np

from . import contract
from .memory import Costs, Layout
from .model import Model
from .parts import REACH
from .strips import cut

#: Side of the picture that is evaluated: large enough for the threads to be busy, small
#: enough to take a second at most.
PROBE_SIDE: Final = 192

#: Share of an evaluation that the forward half takes.
_FORWARD: Final = 0.48

#: Targets take the forward half of an evaluation each, of content and of style.
_TARGETS: Final = 2 * _FORWARD


@dataclass(frozen=True)
class Forecast:
    """What is expected of a run.

    Attributes:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        layout: How it is computed, and in how much memory.
        evaluations: Of loss and gradient, at the most.
        seconds: Until the picture is there.
    """

    width: int
    height: int
    layout: Layout
    evaluations: int
    seconds: float

    def __str__(self) -> str:
        """In one line."""
        minutes, seconds = divmod(round(self.seconds), 60)
        time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return (
            f"{self.width}x{self.height}, {self.evaluations} iterations: about {time}; "
            f"{self.layout}"
        )


def forecast(
    model: Model, layout: Layout, height: int, width: int, evaluations: int
) -> Forecast:
    """Forecast a run of `evaluations` of a picture of `height` × `width` pixels.

    It takes about a second: the model is tried on a small picture.
    """
    each = probe(model) * height * width
    if layout.plan is not None and model.costs is not None:
        each *= _overhead(model.costs, layout, height, width)
    seconds = each * (evaluations + _TARGETS)
    return Forecast(width, height, layout, evaluations, seconds)


def probe(model: Model) -> float:
    """Seconds that an evaluation takes for each pixel, here and now."""
    pixels = np.full((1, 3, PROBE_SIDE, PROBE_SIDE), 127, np.float32)
    pixels += np.arange(PROBE_SIDE, dtype=np.float32) % 7  # no picture is that flat
    feeds = dict(model.targets(pixels))
    for name in list(feeds):
        feeds[name.replace("_target", "_weight")] = np.ones((), np.float32)
    feeds[contract.TV_WEIGHT] = np.zeros((), np.float32)
    model.evaluate(pixels, feeds)
    began = perf_counter()
    model.evaluate(pixels, feeds)
    return (perf_counter() - began) / PROBE_SIDE**2


def _overhead(costs: Costs, layout: Layout, height: int, width: int) -> float:
    """Time of an evaluation in parts relative to the whole picture's."""
    plan = layout.plan
    assert plan is not None
    total = 0.0
    for number, work in costs.work.items():
        length = max(height, width) >> (number - 1)
        forward, backward = (
            sum(s.stop - s.start for s in cut(length, lines[number], halo)) / length
            for lines, halo in (
                (plan.forward, REACH[number]),
                (plan.backward, 2 * REACH[number]),
            )
        )
        total += work * (_FORWARD * forward + backward)
    return total / sum(costs.work.values())
