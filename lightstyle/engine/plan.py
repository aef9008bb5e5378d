"""How a picture is computed within a budget of memory, and what it then takes.

The whole picture at once is fastest. Where that does not fit, it is cut into strips
that do, which costs half to nine tenths as much time again, or less is kept of the
optimisation's past. Neither changes the loss.

The prediction adds up what the process holds with the model loaded, the arrays of the
optimisation, and the most that either an evaluation or the step after it needs beside
them (`python -m tests.benchmarks.sizes` measures how well).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..errors import UsageError
from ..optimize.curvature import History
from ..optimize.lbfgs import HISTORY, LBFGS
from ..optimize.method import Footprint
from ..optimize.minimize import METHODS
from ..settings.choices import Optimizer
from .costs import Costs
from .memory import available, resident
from .strips import cut, tiled_height
from .tiled import REACH, Tiling

#: What the optimiser may be left with of its history, and what less is taken to cost,
#: relative to the time of an evaluation: more of them are needed.
HISTORIES: Final = {
    HISTORY: 1.0,
    History(HISTORY.pairs, "f2"): 1.02,
    History(HISTORY.pairs // 2, "f2"): 1.06,
    History(HISTORY.pairs // 4, "f2"): 1.12,
}

#: Of the memory that is free, what a run may take if nothing is said.
SHARE: Final = 0.8

#: Bytes for each pixel of a picture in float32.
PICTURE: Final = 3 * 4

#: Pictures that a run holds beside the optimiser's: its start, and one being shown.
_PICTURES: Final = 2

#: What sessions and the heap take beyond what is counted, at any size.
_SESSIONS: Final = 60 * 10**6

#: What onnxruntime's arena takes beyond what is in use, in proportion, where parts of
#: different heights follow each other.
_FRAGMENTS: Final = 1.3

#: Share of an evaluation that the forward half takes.
_FORWARD_SHARE: Final = 0.48

#: Positions over which a graph may add up in float32, which loses 1e-7 of a Gram matrix
#: (`python -m tests.benchmarks.sums`); sums of strips are added in float64.
_EXACT: Final = 200_000

#: Least lines of its own that a strip has, in multiples of its halo.
_OWN: Final = 2


@dataclass(frozen=True)
class ExecutionPlan:
    """How a picture is computed.

    Attributes:
        plan: Of its strips; none if it is computed whole.
        history: What the optimiser remembers.
        memory: Bytes that the process is expected to take at most; 0 if nothing is
            known of the model.
        overhead: Time of an evaluation relative to the whole picture's.
    """

    plan: Tiling | None
    history: History
    memory: int
    overhead: float

    @property
    def how(self) -> str:
        """In words."""
        return "whole" if self.plan is None else f"in strips of {self.plan.lines} lines"


@dataclass(frozen=True)
class _Need:
    """What a picture takes before it is known how it is computed.

    Attributes:
        held: Bytes of the process with the model loaded, and of pictures as read.
        size: Height and width.
        optimizer: That will run; none where only targets are computed.
    """

    held: int
    size: tuple[int, int]
    optimizer: str | None

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    def total(self, costs: Costs, history: History, evaluation: float) -> int:
        """Bytes at the worst moment, of an `evaluation` or of a step."""
        each = Footprint(0, 0)
        if self.optimizer is not None:
            each = METHODS[self.optimizer].footprint(history)
        arrays = _PICTURES * PICTURE + costs.targets + 3 * each.kept
        fixed = self.held + _SESSIONS + self.pixels * arrays
        return int(fixed + max(evaluation, self.pixels * 3 * each.working))


def choose(
    costs: Costs | None,
    budget: int | None,
    held: int,
    height: int,
    width: int,
    optimizer: str | None = Optimizer.LBFGS,
) -> ExecutionPlan:
    """The fastest layout of a picture of `height` × `width` pixels within `budget`.

    Args:
        costs: Of the model; none if it can only compute whole pictures.
        budget: Bytes for the whole process; none for most of what is free.
        held: Bytes that the process holds with the model loaded and nothing run.
        height: In pixels.
        width: In pixels.
        optimizer: That will run; none where only targets are computed.

    Raises:
        UsageError: If the budget is not enough, saying what would be; or if it was
            given and the model cannot keep it.
    """
    if costs is None:
        if budget is not None:
            raise UsageError(
                "memory can be limited on the CPU only, and with models that were made "
                "for it: leave it out, or make the model again with `lightstyle export`"
            )
        return ExecutionPlan(None, HISTORY, 0, 1.0)
    limit = resident() + int(SHARE * available()) if budget is None else budget
    layouts = [*_layouts(costs, _Need(held, (height, width), optimizer), limit)]
    fitting = [layout for layout in layouts if layout.memory <= limit]
    if fitting:
        return min(fitting, key=lambda each: each.overhead * HISTORIES[each.history])
    smallest = min(layouts, key=lambda each: each.memory)
    if budget is None:  # what is free is an estimate; what is asked for is not
        return smallest
    raise UsageError(
        f"memory is {limit / 1e9:.2f} GB, but {width}x{height} takes "
        f"{smallest.memory / 1e9:.2f} GB at the least: allow as much or choose a "
        "smaller size"
    )


def repeatable(
    wanted: ExecutionPlan,
    costs: Costs | None,
    budget: int | None,
    held: int,
    height: int,
    width: int,
    optimizer: str | None,
) -> bool:
    """Whether a picture can be computed in the `wanted` layout, of another run's.

    The other arguments are those of `choose`.
    """
    if wanted.history not in HISTORIES or costs is None:
        return wanted.history in HISTORIES and wanted.plan is None
    plan = wanted.plan
    if plan and not plan.forward.keys() == plan.backward.keys() == costs.forward.keys():
        return False
    # `choose` leaves a share of what is free untouched; to repeat a run takes it, too.
    limit = resident() + available() if budget is None else budget
    try:
        most = choose(costs, limit, held, height, width, optimizer)
    except UsageError:
        return False
    remembered = LBFGS.footprint(most.history).kept
    if most.plan is None:  # strips take less than the whole
        return plan is not None or LBFGS.footprint(wanted.history).kept <= remembered
    if plan is None or LBFGS.footprint(wanted.history).kept > remembered:
        return False
    return all(
        lines <= most.plan.forward[number]
        and plan.backward[number] <= most.plan.backward[number]
        for number, lines in plan.forward.items()
    )


def repeated(
    wanted: ExecutionPlan,
    costs: Costs | None,
    held: int,
    height: int,
    width: int,
    optimizer: str | None,
) -> ExecutionPlan:
    """The `wanted` layout with what it takes here; other arguments are `choose`'s."""
    if costs is None:
        return wanted
    need, plan = _Need(held, (height, width), optimizer), wanted.plan
    total = partial(need.total, costs, wanted.history)
    if plan is None:
        memory = total(need.pixels * (costs.whole + PICTURE))
        return ExecutionPlan(None, wanted.history, memory, 1.0)
    kept = need.pixels * (costs.kept + PICTURE)
    memory = total(kept + _FRAGMENTS * _largest(costs, plan, need.size))
    overhead = _overhead(costs, plan, max(need.size))
    return ExecutionPlan(plan, wanted.history, memory, overhead)


def _layouts(costs: Costs, need: _Need, limit: int) -> Iterator[ExecutionPlan]:
    """One that is whole and one that is cut, for every history."""
    kept = need.pixels * (costs.kept + PICTURE)
    for history in HISTORIES:
        total = partial(need.total, costs, history)
        whole = total(need.pixels * (costs.whole + PICTURE))
        yield ExecutionPlan(None, history, whole, 1.0)
        plan, work = _cut(costs, (limit - total(kept)) / _FRAGMENTS, need.size)
        overhead = _overhead(costs, plan, max(need.size))
        yield ExecutionPlan(plan, history, total(kept + _FRAGMENTS * work), overhead)


def _cut(costs: Costs, space: float, size: tuple[int, int]) -> tuple[Tiling, float]:
    """The largest strips whose graphs take no more than `space`, and what they take."""
    sweeps = []
    for by_block, sides in ((costs.forward, 1), (costs.backward, 2)):
        lines = {}
        for number, cost in by_block.items():
            short, long = sorted(side >> (number - 1) for side in size)
            halo = sides * REACH[number]
            fitting = int(space / (cost * short))
            if sides == 1:
                fitting = min(fitting, _EXACT // short)
            lines[number] = tiled_height(long, max((2 + _OWN) * halo, fitting), halo)
        sweeps.append(lines)
    plan = Tiling(*sweeps)
    return plan, _largest(costs, plan, size)


def _largest(costs: Costs, plan: Tiling, size: tuple[int, int]) -> float:
    """Bytes that the largest strip's graph takes."""
    most = 0.0
    sweeps = (costs.forward, plan.forward), (costs.backward, plan.backward)
    for by_block, lines in sweeps:
        for number, cost in by_block.items():
            short, long = sorted(side >> (number - 1) for side in size)
            most = max(most, cost * short * min(lines[number], long))
    return most


def _overhead(costs: Costs, plan: Tiling, side: int) -> float:
    """Time of an evaluation in parts, cut along `side`, relative to the whole's.

    The forward half is done twice, and lines in the halo of a strip by two.
    """
    total = 0.0
    for number, work in costs.work.items():
        length = side >> (number - 1)
        forward, backward = (
            sum(s.stop - s.start for s in cut(length, lines[number], halo)) / length
            for lines, halo in (
                (plan.forward, REACH[number]),
                (plan.backward, 2 * REACH[number]),
            )
        )
        total += work * (_FORWARD_SHARE * forward + backward)
    return total / sum(costs.work.values())
