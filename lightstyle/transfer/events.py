"""The events of a run, and who sees them.

The progress bar of the command line, the checkpoint and the timelapse are listeners; a
service can send the same events on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..arrays import Array, Size
from ..engine.plan import ExecutionPlan
from ..optimize.minimize import MinimizerState
from .result import Progress, Result


@dataclass(frozen=True)
class LevelStarted:
    """The run has started a level, or resumed in it.

    Attributes:
        level: Number of the level, from 1.
        levels: Number of levels.
        size: Width and height of its images.
        plan: How they are evaluated.
    """

    level: int
    levels: int
    size: Size
    plan: ExecutionPlan


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The run has evaluated the loss. Drop the event before asking for the next one.

    Attributes:
        progress: The run so far.
        state: State of the optimisation.
        plans: Execution plans of the run.
        level_start: (1, 3, h, w), the canvas that the level started from, if the
            targets depend on it.
    """

    progress: Progress
    state: MinimizerState
    plans: Mapping[str, ExecutionPlan]
    level_start: Array | None


@dataclass(frozen=True, eq=False)
class Finished:
    """The run has ended, for whatever reason.

    Attributes:
        result: The picture.
    """

    result: Result


Event = LevelStarted | Evaluated | Finished

#: Sees every event; raising `StopIteration` cancels the run.
Listener = Callable[[Event], None]

#: Sees the progress after every evaluation; raising `StopIteration` cancels the run.
Callback = Callable[[Progress], None]
