"""The story of a picture: load, size, targets, start, optimise, result.

Three jobs share it, as in Gatys, Ecker and Bethge (arXiv:1508.06576): `stylize`,
content and style together; `reconstruct`, the content term alone (their figure 1, top);
`texture`, the style term alone (figure 1, bottom).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from .. import contract, images
from ..engine.model import Model
from ..engine.model_info import ModelInfo
from ..engine.plan import ExecutionPlan
from ..errors import UsageError
from ..images.picture import ImageSource, Picture, Styles, several
from ..records import record
from ..records.checkpoint import Checkpoint, CheckpointWriter, LoadedCheckpoint
from ..records.origin import Origin
from ..records.record import Record
from ..records.snapshot import Snapshot
from ..settings.jobs import prepared
from ..settings.settings import Settings
from ..zoo import registry
from .forecast import Forecast, forecast
from .inputs import Inputs
from .interrupt import Interrupt
from .layouts import Layouts
from .levels import Levels
from .result import Result
from .run import Callback, Evaluated, Event, Listener, Run, play
from .scene import fitted_size

#: Told what a run will take before it begins.
Announce = Callable[[Forecast], None]


@dataclass(frozen=True)
class _Job:
    """A function of this module, what it was given, and the pictures of its run."""

    name: str
    given: Mapping[str, Any]
    inputs: Inputs


def stylize(
    content: ImageSource,
    style: Styles,
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
    checkpoint: Checkpoint | None = None,
    announce: Announce | None = None,
    like: Record | None = None,
) -> Result:
    """Paint the picture `content` in the style of `style`, or in a blend of several.

    Args:
        content: A path, the bytes of a file, a PIL image, or an array (H, W), (H, W, 3)
            or (H, W, 4): uint8, uint16, or float in 0…1.
        style: The same, or a sequence of them, blended as `Settings.blend` says.
        model: A loaded model, to use it for many pictures; or the path or the name of
            one; by default the one that `registry` finds.
        settings: What to aim for; `Settings()` by default.
        callback: Called after every evaluation, in this thread.
        checkpoint: Where to keep the run, so that `resume` can go on with it; the
            pictures must be paths then.
        announce: Told before the work begins what it will take, which takes a second or
            two to find out; what it raises ends the run.
        like: Of another picture: its settings are taken if none are given, and what is
            computed is laid out as it was, so that the same pictures and model yield
            the same result.

    Raises:
        LightstyleError: The subclass says whether a picture, the model, a setting, the
            device or the optimisation is at fault.
    """
    settings = _settings(settings, like, "stylize")
    subject = images.load(content, role="content")
    given, paintings = _paintings(style)
    size = fitted_size(subject, settings, "content")
    inputs = Inputs.read(settings, size, subject, paintings)
    job = _Job("stylize", {"content": content, "style": given}, inputs)
    return _run(job, model, callback, checkpoint, announce, like)


def reconstruct(
    content: ImageSource,
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
    checkpoint: Checkpoint | None = None,
    announce: Announce | None = None,
    like: Record | None = None,
) -> Result:
    """Find a picture with the content features of `content`, by default from noise.

    Arguments and errors are those of `stylize`; the style settings have no effect.
    """
    settings = _settings(settings, like, "reconstruct")
    subject = images.load(content, role="content")
    size = fitted_size(subject, settings, "content")
    inputs = Inputs.read(settings, size, subject)
    job = _Job("reconstruct", {"content": content}, inputs)
    return _run(job, model, callback, checkpoint, announce, like)


def texture(
    style: Styles,
    size: tuple[int, int],
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
    checkpoint: Checkpoint | None = None,
    announce: Announce | None = None,
    like: Record | None = None,
) -> Result:
    """Make a texture of `size` (width, height) in the style of `style`, from noise.

    Arguments and errors are those of `stylize`; the content settings and
    `Settings.size` have no effect.
    """
    settings = _settings(settings, like, "texture")
    width, height = size
    if (
        not all(isinstance(side, int) for side in size)
        or min(size) < contract.MINIMUM_SIDE
    ):
        raise UsageError(
            f"size is {width}x{height}, expected sides of at least "
            f"{contract.MINIMUM_SIDE}"
        )
    given, paintings = _paintings(style)
    inputs = Inputs.read(settings, size, styles=paintings)
    job = _Job("texture", {"style": given, "size": size}, inputs)
    return _run(job, model, callback, checkpoint, announce, like)


def resume(
    checkpoint: str | os.PathLike[str],
    *,
    model: Model | None = None,
    callback: Callback | None = None,
    announce: Announce | None = None,
) -> Result:
    """Continue the run that was kept at `checkpoint`, and keep it there.

    With this package's own optimiser it goes on as if nothing had been; scipy's
    (``lbfgsb``) begins without history at the best picture.

    Args:
        checkpoint: Path that the run's `Checkpoint` had. Of it and the one before it,
            the newest good one is used.
        model: The run's model if it is loaded already; by default its files are.
        callback: As for `stylize`.
        announce: As for `stylize`, of what is left.

    Raises:
        CheckpointError: If neither is good, or a picture or the model was changed.
        LightstyleError: As `stylize`.
    """
    saved = LoadedCheckpoint.newest(checkpoint)
    saved.check_inputs()
    origin = saved.snapshot.origin
    if model is None:
        model = registry.load(origin.model.path, origin.settings, job=origin.job)
    return JOBS[origin.job](
        **origin.arguments,
        model=model,
        settings=origin.settings,
        callback=callback,
        announce=announce,
        checkpoint=Checkpoint.after(saved),
    )


#: Functions that make a picture, by the name that a checkpoint knows them by.
JOBS: Final[Mapping[str, Callable[..., Result]]] = {
    job.__name__: job for job in (stylize, reconstruct, texture)
}


def _settings(settings: Settings | None, like: Record | None, job: str) -> Settings:
    return prepared(settings or (like.settings if like else Settings()), job)


def _paintings(style: Styles) -> tuple[Styles, tuple[Picture, ...]]:
    """What was given as style, the only one of a sequence alone; and its pictures."""
    given = several(style)
    paintings = tuple(images.load(each, role="style") for each in given)
    return given if len(given) > 1 else given[0], paintings


def _run(
    job: _Job,
    model: Model | str | Path | None,
    callback: Callback | None,
    checkpoint: Checkpoint | None,
    announce: Announce | None,
    like: Record | None,
) -> Result:
    inputs, settings = job.inputs, job.inputs.settings
    saved = checkpoint.saved.snapshot if checkpoint and checkpoint.saved else None
    began = perf_counter() - (saved.elapsed if saved else 0.0)
    levels = Levels(inputs)
    if not isinstance(model, Model):
        model = registry.load(model, settings, job=job.name)
    registry.check(model.info, settings, job.name)
    writer = _writer(checkpoint, job, model.info)
    layouts = Layouts(model, _wanted(like, saved))
    if announce is not None:
        announce(forecast(model, layouts, levels, len(saved.history) if saved else 0))
    origin = record.of_run(
        job.name,
        job.given,
        inputs.size,
        settings,
        [(*level.size, level.until) for level in levels.plan],
        model,
        uninterrupted=saved is None or saved.optimizer is not None,
    )
    run = Run(model, levels, layouts, origin, began, saved)
    with Interrupt() as interrupt:
        listeners: list[Listener] = [interrupt]
        if callback is not None:
            listeners.insert(0, partial(_show, callback))
        if writer is not None:
            listeners.append(partial(_keep, writer, run))
        result = play(run, listeners)
    return replace(result, notes=(*result.notes, *(writer.notes if writer else ())))


def _show(callback: Callback, event: Event) -> None:
    if isinstance(event, Evaluated):
        callback(event.progress)


def _keep(writer: CheckpointWriter, run: Run, event: Event) -> None:
    """Write a checkpoint if it is time, or if the run was cancelled."""
    if isinstance(event, Evaluated) and (run.cancelled or writer.due):
        progress = event.progress
        writer.write(
            event.state,
            progress.history,
            progress.seconds,
            progress.level - 1,
            event.plans,
            event.level_start,
        )


def _wanted(like: Record | None, saved: Snapshot | None) -> dict[str, ExecutionPlan]:
    """Layouts that are to be taken again."""
    return {**(like.layouts if like else {}), **(saved.plans if saved else {})}


def _writer(
    checkpoint: Checkpoint | None, job: _Job, model: ModelInfo
) -> CheckpointWriter | None:
    """Return what writes the run's checkpoints, if it has any."""
    if checkpoint is None:
        return None
    if checkpoint.saved is not None:
        checkpoint.saved.check_model(model)
        origin = checkpoint.saved.snapshot.origin
    else:
        origin = Origin.of(job.name, job.given, job.inputs.settings, model)
    width, height = job.inputs.size
    return CheckpointWriter(checkpoint, origin, 3 * width * height)
