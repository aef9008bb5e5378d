"""Paints one picture after the other with a loaded model, whatever becomes of each.

What is wrong with a picture ends in its outcome, and the next one is painted. What is
wrong with the model, or with the device, is wrong for all of them, and is raised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from .. import files
from ..engine import memory
from ..engine.model import Model
from ..errors import ExitCode, LightstyleError, OutputError, TransferError
from ..images.picture import Styles
from ..optimize.minimize import Status
from ..records.expected import ExpectedResult
from ..records.record import Record
from ..settings.settings import Settings
from ..transfer import stylize
from ..transfer.result import Result
from ..transfer.run import Callback
from ..zoo import registry


class JobState(StrEnum):
    """What became of a picture."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all pictures of a batch have in common.

    Attributes:
        styles: Paths of the pictures to paint like.
        model: As `registry.load`.
        device: As `registry.load`.
        threads: As `registry.load`, of one process.
        memory: As `registry.load`, of one process.
        share: Bytes of what is free that a process may take on a CPU, if no memory is
            given; none for most of it.
        like: As `transfer.stylize`.
        bits: Of a channel of the files.
        metadata: Whether files say what made them. Of those that do not, nobody knows
            whether they are finished.
        overwrite: Whether files that are something else may be replaced.
    """

    styles: tuple[str, ...]
    model: str | None = None
    device: str = "auto"
    threads: int | None = None
    memory: int | None = None
    share: int | None = None
    like: Record | None = None
    bits: int = 8
    metadata: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class Task:
    """A picture to paint; without an `output` it comes back in the outcome."""

    content: Path
    settings: Settings
    output: Path | None = None


@dataclass(frozen=True, eq=False)
class JobOutcome:
    """What became of a picture.

    Attributes:
        task: That was to be done.
        state: Of it.
        reason: Why it failed, on one line.
        code: Exit code that a run of it alone would have.
        seconds: That it took.
        notes: What a person should know of the picture.
        levels_hwc: The picture of a task without an output, (H, W, 3) or (H, W, 4).
    """

    task: Task
    state: JobState
    reason: str = ""
    code: ExitCode = ExitCode.OK
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    levels_hwc: NDArray[np.uint8] | None = None


class Painter:
    """One process's part of the work, with one model in memory at a time."""

    def __init__(self, work: Work) -> None:
        """Nothing is loaded yet."""
        self._work = work
        self._model: Model | None = None
        self._needs: object = None

    def load(self, settings: Settings) -> Model:
        """The model that a run with `settings` alone would use.

        Raises:
            ModelError: As `registry.load`.
            DeviceError: As `registry.load`.
        """
        used = settings.feature_layers, settings.style_layers.used
        needs = *used, settings.pooling
        if self._model is None or needs != self._needs:
            self._model = None  # before the next one, not beside it
            work = self._work
            self._model = registry.load(
                work.model, settings, work.device, work.threads, work.memory
            )
            self._needs = needs
            if work.memory is None and self._model.costs is not None:
                self._model.memory = work.share
        return self._model

    def paint(self, task: Task, stopping: Callable[[], bool]) -> JobOutcome | None:
        """Paint a picture, unless it is finished already.

        Args:
            task: Which.
            stopping: Asked after every evaluation; if so, the picture is given up.

        Returns:
            What became of it; none if it was given up.

        Raises:
            LightstyleError: As `load`.
        """
        model, began = self.load(task.settings), perf_counter()
        try:
            outcome = self._painted(model, task, began, _stopped_by(stopping))
        except Exception as error:
            reason, code = _told(error)
            seconds = perf_counter() - began
            return JobOutcome(task, JobState.FAILED, reason, code, seconds)
        finally:
            memory.give_back()
        return outcome

    def _painted(
        self, model: Model, task: Task, began: float, callback: Callback
    ) -> JobOutcome | None:
        if task.output is not None and self._is_finished(model, task, task.output):
            return JobOutcome(task, JobState.SKIPPED)
        result = stylize.stylize(
            task.content,
            self._work.styles,
            model=model,
            settings=task.settings,
            callback=callback,
            like=self._work.like,
        )
        if result.status is Status.CANCELLED:
            return None
        if result.status is Status.NON_FINITE:
            raise TransferError(
                "the loss stopped being a finite number at iteration "
                f"{result.evaluations}: lower the weights"
            )
        kept = self._keep(result, task)
        seconds = perf_counter() - began
        notes = result.notes
        return JobOutcome(task, JobState.DONE, "", ExitCode.OK, seconds, notes, kept)

    def _keep(self, result: Result, task: Task) -> NDArray[np.uint8] | None:
        if task.output is None:
            return result.to_array()
        work = self._work
        result.save(task.output, bits=work.bits, metadata=work.metadata)
        return None

    def _is_finished(self, model: Model, task: Task, output: Path) -> bool:
        """Whether there is nothing to do.

        Raises:
            OutputError: There is something else in its place, or it cannot be written.
        """
        work = self._work
        if output.is_file() and work.metadata:
            style = work.styles if len(work.styles) > 1 else work.styles[0]
            given: dict[str, Styles] = {"content": task.content, "style": style}
            digest = model.info.weights_digest
            missing = ExpectedResult(given, task.settings, digest, work.bits).missing(
                output
            )
            if not missing:
                return True
            if not work.overwrite:
                raise OutputError(
                    f"cannot write {output}: it exists and {missing}; give another "
                    "folder, or --overwrite"
                )
        _make_folder(output.parent)
        inputs = [task.content, *map(Path, work.styles)]
        inputs += map(Path, task.settings.files.values())
        files.check_writable(output, inputs=inputs, overwrite=work.overwrite)
        return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error


def _stopped_by(stopping: Callable[[], bool]) -> Callback:
    def callback(progress: object) -> None:
        if stopping():
            raise StopIteration

    return callback


def _told(error: Exception) -> tuple[str, ExitCode]:
    """An error as one line, and its exit code."""
    if isinstance(error, LightstyleError):
        reason, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        reason, code = "out of memory: choose a smaller size", ExitCode.TRANSFER
    else:
        reason = f"this is a bug in lightstyle: {type(error).__name__}: {error}"
        code = ExitCode.BUG
    return " ".join(reason.split()), code
