"""A picture to make, as a value that any executor can take, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ExitCode
from ..records.record import Record
from ..settings.settings import Settings
from ..transfer.events import Callback


class TaskState(StrEnum):
    """How a task ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Output:
    """A picture file to write.

    Attributes:
        path: Path of the file; its folder is made if need be.
        bits: Bits per channel, 8 or 16.
        overwrite: Whether a file that is something else may be replaced.
    """

    path: Path
    bits: int = 8
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of a run that may be cut off.

    Attributes:
        checkpoint: File that holds the run while it goes on; a task that finds one of
            its own there continues it.
        seconds: Time between two checkpoints.
        unfinished: File for the best picture of a run that was given up, if it is
            wanted.
    """

    checkpoint: Path
    seconds: float
    unfinished: Path | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One picture to make: everything about it that an executor needs to know.

    A task can be pickled, so it can be sent to another process or machine.

    Attributes:
        job: Name of the job: ``stylize``, ``texture`` or ``reconstruct``.
        given: The job's pictures, and the size of a texture, by parameter name.
        settings: Settings of the run.
        output: Where the result goes; None returns it in the outcome.
        like: Record of a picture whose computation is laid out in the same way, as
            `stylize` takes it.
        model: Name or path of its model; None for the executor's.
        kept: What is kept of the run; None if nothing is.
        callback: Sees the progress where the task runs; it is pickled with the task.
    """

    job: str = "stylize"
    given: Mapping[str, Any]
    settings: Settings = field(default_factory=Settings)
    output: Output | None = None
    like: Record | None = None
    model: str | None = None
    kept: Kept | None = None
    callback: Callback | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskOutcome:
    """What became of a task.

    Attributes:
        state: How it ended.
        reason: Why it failed, on one line.
        code: Exit code that a run of this task alone would have.
        seconds: Time that it took.
        notes: What a person should know about the picture.
        path: File that holds the result, if the task has an output and did not fail.
        levels_hwc: The picture of a task without output, (H, W, 3), or (H, W, 4) with
            alpha, 0…255.
        died: Exit code of the process that died at it, negative for a signal.
    """

    state: TaskState
    reason: str = ""
    code: ExitCode = ExitCode.OK
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    path: Path | None = None
    levels_hwc: NDArray[np.uint8] | None = None
    died: int | None = None

    @classmethod
    def failure(
        cls, reason: str, code: ExitCode, seconds: float = 0.0
    ) -> "TaskOutcome":
        """Make the outcome of a task that failed."""
        return cls(state=TaskState.FAILED, reason=reason, code=code, seconds=seconds)
