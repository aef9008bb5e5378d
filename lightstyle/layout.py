"""How a picture is computed within a budget of memory, and what it then takes.

The whole picture at once is fastest. Where that does not fit, it is cut into strips
that do, which costs half to two thirds as much time again, or less is kept of the
optimisation's past. Neither changes the loss.

The prediction adds up what the process holds with the model loaded, what is kept for
every pixel and, of the graph that takes most, what the exporter counted for a position.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from . import contract
from .errors import ModelError, UsageError
from .lbfgs import HISTORY, bytes_per_variable
from .memory import available, resident
from .parts import REACH, Plan
from .strips import cut, even_height

#: Pairs that the optimiser may be left with, and what fewer are taken to cost, relative
#: to the time of an evaluation: more of them are needed.
HISTORIES: Final = {HISTORY: 1.0, HISTORY // 2: 1.05, HISTORY // 4: 1.2}

#: Bytes of scipy's L-BFGS-B for every variable, bounds and copies included.
_SCIPY_BYTES: Final = 248

#: Of the memory that is free, what a run may take if nothing is said.
_SHARE: Final = 0.8

#: Bytes for each pixel: content, style and start, what is fed and what is written.
_PICTURES: Final = 3 * 4 * 8

#: What onnxruntime's arena and NumPy's heap take beyond what is in use, in proportion
#: (`python -m tests.benchmarks.sizes`: right for the whole, too little in parts).
_FRAGMENTS: Final = 1.18

#: Share of an evaluation that the forward half takes.
_FORWARD_SHARE: Final = 0.48

#: Least lines of its own that a strip has, in multiples of its halo.
_OWN: Final = 2


@dataclass(frozen=True)
class Costs:
    """What the graphs of a model take, as the exporter counted it.

    Attributes:
        whole: Bytes for each pixel, of an evaluation of the whole picture.
        kept: Bytes for each pixel that an evaluation in parts keeps between blocks.
        targets: Bytes for each pixel of the content's features.
        forward: Bytes for each position of a block's input, of its graph in that sweep.
        backward: The same of the other sweep.
        work: Multiplications for each pixel, of each block's convolutions.
    """

    whole: float
    kept: float
    targets: float
    forward: Mapping[int, float]
    backward: Mapping[int, float]
    work: Mapping[int, float]

    @classmethod
    def parse(cls, metadata: Mapping[str, str]) -> Self | None:
        """Costs of the model that has `metadata`; none if it cannot be cut.

        Raises:
            ModelError: If the metadata are not what an exporter writes.
        """
        text = metadata.get(contract.META_COSTS)
        if text is None:
            return None
        try:
            values: dict[str, Any] = json.loads(text)
            whole, kept, targets = (
                float(values[name]) for name in ("whole", "kept", "targets")
            )
            forward, backward, work = (
                {number: float(cost) for number, cost in enumerate(values[name], 1)}
                for name in (contract.FORWARD, contract.BACKWARD, "work")
            )
            return cls(whole, kept, targets, forward, backward, work)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"a graph's metadata {contract.META_COSTS} are damaged: make the model "
                "again with `lightstyle export`"
            ) from error


@dataclass(frozen=True)
class Layout:
    """How a picture is computed.

    Attributes:
        plan: Of its strips; none if it is computed whole.
        history: Pairs that the optimiser remembers.
        memory: Bytes that the process is expected to take at most.
        overhead: Time of an evaluation relative to the whole picture's.
    """

    plan: Plan | None
    history: int
    memory: int
    overhead: float

    def __str__(self) -> str:
        """In words."""
        how = "whole" if self.plan is None else f"in strips of {self.plan.lines} lines"
        return f"{how}, {self.memory / 1e9:.2f} GB, history of {self.history}"


def choose(
    costs: Costs | None,
    budget: int | None,
    held: int,
    height: int,
    width: int,
    optimizer: str | None = "lbfgs",
) -> Layout:
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
        return Layout(None, HISTORY, 0, 1.0)
    limit = resident() + int(_SHARE * available()) if budget is None else budget
    layouts = [*_layouts(costs, held, limit, (height, width), optimizer)]
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
    wanted: Layout,
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
    if most.plan is None:  # strips take less than the whole
        return plan is not None or wanted.history <= most.history
    if plan is None or wanted.history > most.history:
        return False
    return all(
        lines <= most.plan.forward[number]
        and plan.backward[number] <= most.plan.backward[number]
        for number, lines in plan.forward.items()
    )


def _layouts(
    costs: Costs,
    held: int,
    limit: int,
    size: tuple[int, int],
    optimizer: str | None,
) -> Iterator[Layout]:
    """One that is whole and one that is cut, for every history."""
    pixels = size[0] * size[1]
    for history in HISTORIES:
        each = {None: 0, "lbfgsb": _SCIPY_BYTES}.get(
            optimizer, bytes_per_variable(history)
        )
        use = _FRAGMENTS * pixels
        fixed = held + int(use * (_PICTURES + costs.targets + 3 * each))
        yield Layout(None, history, fixed + int(use * costs.whole), 1.0)
        yield _cut(costs, fixed + int(use * costs.kept), limit, history, size)


def _cut(
    costs: Costs, fixed: int, limit: int, history: int, size: tuple[int, int]
) -> Layout:
    """The largest strips for which `limit` leaves room beside what is `fixed`."""
    most, sweeps = 0.0, []
    for by_block, sides in ((costs.forward, 1), (costs.backward, 2)):
        lines = {}
        for number, count in by_block.items():
            cost = _FRAGMENTS * count
            short, long = sorted(side >> (number - 1) for side in size)
            halo = sides * REACH[number]
            fitting = int((limit - fixed) / (cost * short))
            lines[number] = even_height(long, max((2 + _OWN) * halo, fitting), halo)
            most = max(most, cost * short * min(lines[number], long))
        sweeps.append(lines)
    plan = Plan(*sweeps)
    return Layout(plan, history, fixed + int(most), _overhead(costs, plan, max(size)))


def _overhead(costs: Costs, plan: Plan, side: int) -> float:
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
