"""The three jobs, and `resume`, which continues one.

As in Gatys, Ecker and Bethge (arXiv:1508.06576): `stylize` minimises the content loss
and the style loss together, `reconstruct` the content loss alone (their figure 1, top)
and `texture` the style loss alone (figure 1, bottom).
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .. import images
from ..engine import memory
from ..engine.model import Model
from ..images.decoding_memory import Room, within
from ..images.loading import ImageSource, Styles, several
from ..images.picture import Picture
from ..records.checkpoint import Checkpoint, LoadedCheckpoint
from ..records.record import Record
from ..settings import arguments, blend
from ..settings.jobs import prepared
from ..settings.scalars import checked, path
from ..settings.settings import Settings
from ..zoo import registry
from .events import Callback
from .inputs import Inputs
from .job import Announce, JobCall
from .result import Result
from .scene import fitted_size

#: Kinds of the keyword arguments of all jobs.
_ARGUMENTS: Final = {
    "model": arguments.model(Model),
    "settings": arguments.SETTINGS,
    "callback": arguments.function("Progress"),
    "checkpoint": arguments.instance(
        Checkpoint, expected='a Checkpoint, such as Checkpoint("run.checkpoint")'
    ),
    "announce": arguments.function("Forecast"),
    "like": arguments.instance(
        Record, expected='a Record, such as Record.read("painting.png")'
    ),
}


@arguments.checks(_ARGUMENTS)
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
    """Render the content image in the style of one or more style images.

    Ctrl-C ends the run after the evaluation in progress: the result is then the best
    picture so far, with status `Status.CANCELLED`. A second Ctrl-C raises
    KeyboardInterrupt at once. A program that handles the signal itself, or calls this
    from another thread, is left alone.

    Args:
        content: A path, the bytes of a file, a PIL image, or an array (H, W), (H, W, 3)
            or (H, W, 4): uint8, uint16, or float in 0…1.
        style: The same, or a sequence of them, blended as `Settings.blend` says.
        model: A loaded model, which may serve many runs, or the path or name of one;
            by default that of `like` if it is on this machine, else the best that is
            installed (`lightstyle.load_model`).
        settings: Settings of the run; `Settings()` by default.
        callback: Called after every evaluation, in this thread. If it raises
            StopIteration, the run ends with the best picture so far.
        checkpoint: Where to keep the run, so that `resume` can continue it; all images
            must then be paths.
        announce: Called before the run with a forecast of it, which takes a second or
            two to make. Whatever it raises ends the run.
        like: Record of another picture. Its settings and its model are the default, and
            its execution plans are repeated, so that the same images and model give the
            same result.

    Raises:
        LightstyleError: The subclass says whether an image, the model, a setting, the
            device or the optimisation is at fault.
    """
    settings = _settings(settings, like, "stylize")
    with within(_room(model)):
        subject = images.load(content, role="content", longest=settings.size)
        given, paintings = _paintings(style, settings, settings.size)
        size = fitted_size(subject, settings, "content")
        inputs = Inputs.read(settings, size, subject, paintings)
    job = JobCall("stylize", {"content": content, "style": given}, inputs)
    return job.run(model, callback, checkpoint, announce, like)


@arguments.checks(_ARGUMENTS)
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
    """Reconstruct the content image from its features, by default from noise.

    Arguments and errors are those of `stylize`; the style settings have no effect.
    """
    settings = _settings(settings, like, "reconstruct")
    with within(_room(model)):
        subject = images.load(content, role="content", longest=settings.size)
        size = fitted_size(subject, settings, "content")
        inputs = Inputs.read(settings, size, subject)
    job = JobCall("reconstruct", {"content": content}, inputs)
    return job.run(model, callback, checkpoint, announce, like)


@arguments.checks(_ARGUMENTS)
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
    """Synthesise a texture in the style of one or more style images, from noise.

    Other arguments and errors are those of `stylize`; the content settings and
    `Settings.size` have no effect.

    Args:
        style: As of `stylize`.
        size: Width and height of the texture in pixels, each at least 32.
        model: As of `stylize`.
        settings: As of `stylize`.
        callback: As of `stylize`.
        checkpoint: As of `stylize`.
        announce: As of `stylize`.
        like: As of `stylize`.
    """
    size = checked("size", arguments.size(), size)
    settings = _settings(settings, like, "texture")
    with within(_room(model)):
        given, paintings = _paintings(style, settings, max(size))
        inputs = Inputs.read(settings, size, styles=paintings)
    job = JobCall("texture", {"style": given, "size": size}, inputs)
    return job.run(model, callback, checkpoint, announce, like)


@arguments.checks(_ARGUMENTS)
def resume(
    checkpoint: str | os.PathLike[str],
    *,
    model: Model | str | Path | None = None,
    callback: Callback | None = None,
    announce: Announce | None = None,
) -> Result:
    """Continue a run from its checkpoint, and go on keeping it there.

    The result is what it would have been without the interruption. Only the optimiser
    ``lbfgsb`` cannot be saved: it starts afresh from the best picture.

    Args:
        checkpoint: Path of the run's `Checkpoint`. If its newest file is damaged, the
            one before it is used.
        model: The run's model, loaded or not; by default where it was.
        callback: As of `stylize`.
        announce: As of `stylize`; the forecast is of what is left.

    Raises:
        CheckpointError: If no file is good, or an image or the model has changed.
        LightstyleError: As of `stylize`.
    """
    saved = LoadedCheckpoint.newest(checked("checkpoint", path(), checkpoint))
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


#: The jobs, by the name that a checkpoint knows them by.
JOBS: Final[Mapping[str, Callable[..., Result]]] = {
    job.__name__: job for job in (stylize, reconstruct, texture)
}


def _settings(settings: Settings | None, like: Record | None, job: str) -> Settings:
    if settings is None and like is not None:
        taken = like.settings_for(job)
        like.check_files(taken, "the picture of like")
        return taken
    return prepared(settings or Settings(), job)


def _room(model: Model | str | Path | None) -> Room:
    """Return the memory that there is to read pictures."""
    budget = model.memory if isinstance(model, Model) else None
    return Room(memory.resident, memory.available, budget)


def _paintings(
    style: Styles, settings: Settings, size: int
) -> tuple[Styles, tuple[Picture, ...]]:
    """Return the given style sources, a single one by itself, and load their images.

    Args:
        style: As of `stylize`.
        settings: Settings of the run.
        size: Longest side of the result.
    """
    given = several(style)
    longest = blend.longest(settings.style_scale, size)
    paintings = tuple(
        images.load(each, role="style", longest=longest) for each in given
    )
    return given if len(given) > 1 else given[0], paintings
