"""Converts an execution plan to JSON values and back.

How a picture is cut into bands and strips and how long the optimiser's history is
changes the last bits of a loss, and after some hundred iterations more than those.
Records and checkpoints therefore keep the plans, so that another run can repeat them.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from ..contract import MAXIMUM_SIDE
from ..engine.plan import ExecutionPlan
from ..engine.strips import REACH, TILE, Tiling
from ..optimize.curvature import History
from ..settings import typed
from ..settings.scalars import whole

#: Lines of each block's strip.
_Lines = tuple[Annotated[int, whole(TILE, MAXIMUM_SIDE)], ...]


@dataclass(frozen=True)
class _Strips:
    """A `Tiling`; the strips' lines of each block, from the first on."""

    forward: _Lines
    backward: _Lines
    keeps: bool
    bands: Annotated[int, whole(0, MAXIMUM_SIDE)]


@dataclass(frozen=True)
class _Written:
    """An execution plan as `as_dict` writes it."""

    history: History
    strips: _Strips | None


def as_dict(plan: ExecutionPlan) -> dict[str, Any]:
    """Return the parts of `plan` that affect the result, as JSON values."""
    return {
        "history": asdict(plan.history),
        "strips": plan.tiling
        and {
            "forward": [*plan.tiling.forward.values()],
            "backward": [*plan.tiling.backward.values()],
            "keeps": plan.tiling.keeps,
            "bands": plan.tiling.bands,
        },
    }


def parse(values: Any) -> ExecutionPlan:
    """Read a plan back from the values that `as_dict` returned.

    Args:
        values: JSON values from an untrusted file.

    Returns:
        The plan, without an estimate of memory and time.

    Raises:
        ValueError: If the values do not describe an execution plan.
    """
    if isinstance(values, dict) and isinstance(values.get("strips"), dict):
        # Old versions wrote neither: they kept nothing, and repeated no bands.
        values = {**values, "strips": {"keeps": False, "bands": 0, **values["strips"]}}
    written: _Written = typed.parse(_Written, values, "execution plan", {})
    strips = written.strips
    tiling = None if strips is None else _tiling(strips)
    return ExecutionPlan(tiling, written.history)


def _tiling(strips: _Strips) -> Tiling:
    sweeps = (dict(enumerate(lines, 1)) for lines in (strips.forward, strips.backward))
    tiling = Tiling(*sweeps, keeps=strips.keeps, bands=strips.bands)
    for sweep, sides in ((tiling.forward, 1), (tiling.backward, tiling.sides)):
        if len(sweep) > len(REACH):
            raise ValueError(f"execution plan has strips of {len(sweep)} blocks")
        for number, count in sweep.items():
            if count % TILE or count < 2 * sides * REACH[number] + TILE:
                raise ValueError(f"execution plan has strips of {count} lines")
    return tiling
