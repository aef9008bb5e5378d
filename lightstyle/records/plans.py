"""Converts an execution plan to JSON values and back.

How a picture is cut into strips and how long the optimiser's history is changes the
last bits of a loss, and after some hundred iterations more than those. Records and
checkpoints therefore keep the plans, so that another run can repeat them.
"""

from dataclasses import asdict
from typing import Any, Final

from ..engine.plan import ExecutionPlan
from ..engine.strips import REACH, TILE, Tiling
from ..optimize.curvature import History
from . import typed

#: More lines than any strip has.
_MOST_LINES: Final = 1 << 20


def as_dict(plan: ExecutionPlan) -> dict[str, Any]:
    """Return the parts of `plan` that affect the result, as JSON values."""
    return {
        "history": asdict(plan.history),
        "strips": plan.tiling
        and {
            "forward": [*plan.tiling.forward.values()],
            "backward": [*plan.tiling.backward.values()],
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
    try:
        tiling = _tiling(values["strips"])
        history = typed.parse(History, values["history"], "history", {})
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError("not a description of an execution plan") from error
    return ExecutionPlan(tiling, history)


def _tiling(strips: Any) -> Tiling | None:
    if strips is None:
        return None
    sweeps = []
    for lines, sides in ((strips["forward"], 1), (strips["backward"], 2)):
        sweep = dict(enumerate(lines, 1))
        for number, count in sweep.items():
            least = 2 * sides * REACH[number] + TILE
            whole = isinstance(count, int) and count % TILE == 0
            if not whole or not least <= count <= _MOST_LINES:
                raise ValueError(f"strips of {count} lines")
        sweeps.append(sweep)
    return Tiling(*sweeps)
