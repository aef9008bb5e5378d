"""Makes one picture after the other with a loaded model, whatever becomes of each.

A fault of a picture ends in its outcome, and the next task can run. A fault of the
model or the device would be the same for all tasks, and is raised.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from .. import files
from ..engine import memory
from ..engine.model import Model
from ..engine.plan import SHARE
from ..engine.threads import available_cpus, check_threads
from ..errors import (
    CheckpointError,
    OutputError,
    TransferError,
    UsageError,
    describe,
)
from ..lookup import is_file
from ..optimize.minimize import Status
from ..records.checkpoint import Checkpoint, LoadedCheckpoint
from ..records.expected import ExpectedResult
from ..records.origin import sources
from ..settings.choices import Metadata
from ..settings.jobs import required_layers
from ..transfer.events import Callback
from ..transfer.result import Progress
from ..transfer.stylize import JOBS
from ..zoo import registry
from .task import Kept, Output, Task, TaskOutcome, TaskState


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The model that a process runs, and what it runs on.

    Attributes:
        model: Name or path of the model, as `registry.load` takes it.
        device: Name of the device, as `registry.load` takes it.
        threads: CPU threads of the process; None for all that it may use.
        memory: Bytes that the process may take; None to decide by what is free.
        share: Bytes of what is free that the process may take on a CPU if `memory` is
            None; None for most of it.
    """

    model: str | None = None
    device: str = "auto"
    threads: int | None = None
    memory: int | None = None
    share: int | None = None

    def divided(self, workers: int) -> Self:
        """Divide threads and memory equally among so many workers.

        Raises:
            UsageError: There are more workers than threads, or there is no worker.
        """
        threads = check_threads(self.threads) or available_cpus()
        if not 1 <= workers <= threads:
            raise UsageError(
                f"workers is {workers}, expected 1 to {threads}: each worker needs a "
                f"thread of its own, and there are {threads}"
            )
        if workers == 1:
            return self
        share = int(SHARE * memory.available() / workers)
        given = None if self.memory is None else self.memory // workers
        return replace(self, threads=threads // workers, memory=given, share=share)


def needs(task: Task) -> tuple[tuple[str, ...], ...]:
    """Return the model of `task`, and what it must have.

    Tasks sorted by it change the model as seldom as possible.
    """
    layers = required_layers(task.settings, task.job)
    words = task.model or "", task.settings.pooling, task.settings.precision
    return words, layers.content, layers.style


class Painter:
    """Runs tasks one by one, with one model in memory at a time."""

    def __init__(self, runtime: Runtime) -> None:
        """Load nothing yet."""
        self._runtime = runtime
        self._model: Model | None = None
        self._needs: object = None

    def load(self, task: Task) -> Model:
        """Load the model that `task` needs, unless it is the one in memory.

        Raises:
            ModelError: As `registry.load`.
            DeviceError: As `registry.load`.
        """
        if self._model is None or needs(task) != self._needs:
            self.unload()  # before the next one, not beside it
            runtime = self._runtime
            self._model = registry.load(
                task.model or runtime.model,
                task.settings,
                runtime.device,
                runtime.threads,
                runtime.memory,
                job=task.job,
            )
            self._needs = needs(task)
            if runtime.memory is None and self._model.costs is not None:
                self._model.memory = runtime.share
        return self._model

    def unload(self) -> None:
        """Free the model."""
        self._model = None

    def paint(self, task: Task, stopping: Callable[[], bool]) -> TaskOutcome | None:
        """Make the picture of `task`, unless it is finished already.

        Args:
            task: The task.
            stopping: Asked after every evaluation; once true, the picture is given up.

        Returns:
            What became of the task; None if it was given up.

        Raises:
            LightstyleError: As `load`.
        """
        model, began = self.load(task), perf_counter()

        def callback(progress: Progress) -> None:
            if task.callback is not None:
                task.callback(progress)
            if stopping():
                raise StopIteration

        try:
            return _painted(model, task, began, callback)
        except Exception as error:
            reason, code = describe(error)
            return TaskOutcome.failure(reason, code, perf_counter() - began)
        finally:
            memory.give_back()


def _painted(
    model: Model, task: Task, began: float, callback: Callback
) -> TaskOutcome | None:
    output = task.output
    if output is not None and is_finished(task, output, model.info.weights_digest):
        return TaskOutcome(state=TaskState.SKIPPED, path=output.path)
    result = JOBS[task.job](
        **task.given,
        model=model,
        settings=task.settings,
        callback=callback,
        checkpoint=None if task.kept is None else _checkpoint(task, task.kept, model),
        like=task.like,
    )
    if result.status is Status.CANCELLED:
        if task.kept is not None and task.kept.unfinished is not None:
            result.save(task.kept.unfinished)
        return None
    if result.status is Status.NON_FINITE:
        raise TransferError(
            "the loss stopped being a finite number at iteration "
            f"{result.evaluations}: lower the weights"
        )
    if output is not None:
        result.save(output.path, bits=output.bits)
    return TaskOutcome(
        state=TaskState.DONE,
        seconds=perf_counter() - began,
        notes=result.notes,
        path=None if output is None else output.path,
        levels_hwc=result.to_array() if output is None else None,
    )


def _checkpoint(task: Task, kept: Kept, model: Model) -> Checkpoint:
    """Return where the run is kept, and where it continues if it was begun before.

    A checkpoint that cannot be continued is worth nothing: the run starts again.
    """
    try:
        saved = LoadedCheckpoint.newest(kept.checkpoint)
        saved.check_run(task.job, _single(task.given), task.settings)
        saved.check_model(model.info)
        return Checkpoint.after(saved)
    except CheckpointError:
        fresh = Checkpoint(kept.checkpoint, kept.seconds)
        fresh.remove()
        return fresh


def is_finished(task: Task, output: Output, weights: str) -> bool:
    """Whether the output of `task` is there and is what it would make.

    A file without a record of what made it can never be recognised as finished.

    Args:
        task: The task.
        output: Its output.
        weights: SHA-256 of the weights of its model.

    Raises:
        OutputError: Something else is there, or the output cannot be written.
    """
    path, given = output.path, _single(task.given)
    if is_file(path) and task.settings.metadata != Metadata.NONE:
        expected = ExpectedResult(task.job, given, task.settings, weights, output.bits)
        missing = expected.missing(path)
        if not missing:
            return True
        if not output.overwrite:
            raise OutputError(
                f"cannot write {path}: it exists and {missing}; give another folder, "
                "or --overwrite"
            )
    files.make_folder(path.parent)
    pictures = [*sources(given).values(), *task.settings.files.values()]
    inputs = [Path(each) for each in pictures if isinstance(each, str | Path)]
    files.check_writable(path, inputs=inputs, overwrite=output.overwrite)
    return False


def _single(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a sequence of one style as that style, as records have it."""
    style = given.get("style")
    if isinstance(style, list | tuple) and len(style) == 1:
        return {**given, "style": style[0]}
    return dict(given)
