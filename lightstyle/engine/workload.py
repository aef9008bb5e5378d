"""What a picture takes in memory and time, whole or in strips.

The estimate of memory adds up what the process holds with the model loaded, the arrays
of the optimisation, and the most that either an evaluation or the step after it needs
beside them (`python -m tests.benchmarks.sizes` measures how close it is).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..arrays import Size
from ..optimize.curvature import History
from ..optimize.method import Footprint
from ..optimize.minimize import METHODS
from .costs import Costs
from .strips import REACH, Tiling, computed_lines, tiled_height

#: Bytes for each pixel of a picture in float32.
PICTURE: Final = 3 * 4

#: Pictures that a run holds beside the method's: its start, and one being shown.
_PICTURES: Final = 2

#: Bytes that sessions and the heap take beyond what is counted, at any size.
_SESSIONS: Final = 60 * 10**6

#: Factor by which ONNX Runtime's arena exceeds what is in use where strips of different
#: heights follow each other.
_FRAGMENTS: Final = 1.3

#: The same where no buffer is given back from one block to the next.
_MORE_FRAGMENTS: Final = 2.5

#: Share of an evaluation's time that the forward half takes.
FORWARD_SHARE: Final = 0.48

#: Positions over which a graph may add up in float32, which loses 1e-7 of a Gram matrix
#: (`python -m tests.benchmarks.sums`); sums of strips are added in float64.
_EXACT: Final = 200_000

#: Least lines of its own that a strip has, in multiples of its halo.
_OWN: Final = 2


@dataclass(frozen=True)
class Workload:
    """A picture to be computed.

    Attributes:
        costs: Costs of the model's graphs.
        held: Bytes that the process holds with the model and the pictures loaded.
        size: Width and height of the picture.
        method: Name of the optimisation method; None if only targets are computed.
    """

    costs: Costs
    held: int
    size: Size
    method: str | None

    @property
    def _pixels(self) -> int:
        return self.size[0] * self.size[1]

    def whole_memory(self, history: History) -> int:
        """Return the bytes that the process needs to compute the picture whole."""
        return self._memory(history, self._pixels * (self.costs.whole + PICTURE))

    def tiled_memory(self, history: History, tiling: Tiling) -> int:
        """Return the bytes that the process needs to compute the picture in strips."""
        between = self._between_blocks(keeps=tiling.keeps)
        evaluation = between + _fragments(tiling) * self._largest(tiling)
        return self._memory(history, evaluation)

    def driver_memory(self, history: History) -> int:
        """Return the bytes of the process that has bands computed by others.

        Beside the picture's gradient, what is sent and what has come back are held.
        """
        alone = replace(self, costs=replace(self.costs, targets=0))
        return alone._memory(history, self._pixels * 3 * PICTURE)

    def overhead(self, tiling: Tiling) -> float:
        """Return the time of an evaluation in strips, relative to that of the whole.

        Lines in the halo are computed by two strips.
        """
        total = 0.0
        for number, work in self.costs.work.items():
            length, reach = self._block_size(number)[1], REACH[number]
            forward = computed_lines(length, tiling.forward[number], reach)
            halo = tiling.sides * reach
            backward = computed_lines(length, tiling.backward[number], halo)
            total += work * evaluated(forward, backward, tiling) / length
        return total / sum(self.costs.work.values())

    def largest_tiling(
        self, history: History, budget: int, *, keeps: bool = False
    ) -> Tiling:
        """Return the tiling with the largest strips for which `budget` bytes suffice.

        If none is small enough, it is the one with the smallest strips.

        Args:
            history: What the method remembers.
            budget: Bytes that the process may take.
            keeps: Whether activations are kept.
        """
        made = Tiling({}, {}, keeps=keeps)
        between = self._between_blocks(keeps=keeps)
        least = self._memory(history, between)
        space = (budget - least) / _fragments(made)
        sweeps = []
        for sweep, times, positions in (
            (made.way_forth, 1, _EXACT),
            (made.way_back, made.sides, self._pixels),
        ):
            lines = {}
            for number, cost in self.costs.sweeps[sweep].items():
                short, long = self._block_size(number)
                halo = times * REACH[number]
                fitting = int(min(space / cost, positions)) // short
                lines[number] = tiled_height(
                    long, max((2 + _OWN) * halo, fitting), halo
                )
            sweeps.append(lines)
        return Tiling(*sweeps, keeps=keeps)

    def _between_blocks(self, *, keeps: bool) -> float:
        """Bytes that an evaluation in strips keeps from block to block."""
        activations = self.costs.activations if keeps else 0
        return self._pixels * (self.costs.between + activations + PICTURE)

    def _memory(self, history: History, evaluation: float) -> int:
        """Return the bytes at the worst moment of an `evaluation` or of a step."""
        each = Footprint(0, 0)
        if self.method is not None:
            each = METHODS[self.method].footprint(history)
        arrays = _PICTURES * PICTURE + self.costs.targets + 3 * each.kept
        fixed = self.held + _SESSIONS + self._pixels * arrays
        return int(fixed + max(evaluation, self._pixels * 3 * each.working))

    def _largest(self, tiling: Tiling) -> float:
        """Return the bytes that the graph of the largest strip takes."""
        most = 0.0
        for sweep, heights in (
            (tiling.way_forth, tiling.forward),
            (tiling.way_back, tiling.backward),
        ):
            for number, cost in self.costs.sweeps[sweep].items():
                short, long = self._block_size(number)
                most = max(most, short * cost * min(heights[number], long))
        return most

    def _block_size(self, number: int) -> list[int]:
        """Return both sides at the input of a block, from 1; the second one is cut."""
        return [side >> (number - 1) for side in self._sides]

    @property
    def _sides(self) -> Sequence[int]:
        """The shorter and the longer side of the picture."""
        return sorted(self.size)


def evaluated(forward: float, backward: float, tiling: Tiling) -> float:
    """Return the time of so many lines in both sweeps, a line of an evaluation being 1.

    Backward, a line is computed forward a second time unless activations are kept.
    """
    again = 0 if tiling.keeps else FORWARD_SHARE
    return FORWARD_SHARE * forward + (1 - FORWARD_SHARE + again) * backward


def _fragments(tiling: Tiling) -> float:
    return _MORE_FRAGMENTS if tiling.keeps else _FRAGMENTS
