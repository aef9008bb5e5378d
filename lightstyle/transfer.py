"""The story of a picture: load, size, targets, start, optimise, result.

Three jobs share it, as in Gatys, Ecker and Bethge (arXiv:1508.06576): `stylize`,
content and style together; `reconstruct`, the content term alone (their figure 1, top);
`texture`, the style term alone (figure 1, bottom).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from . import contract, images, registry
from .errors import TransferError, UsageError
from .images import ImageSource, Picture
from .model import Model
from .objective import Objective
from .optimize import OPTIMIZERS, Status, Vector, minimize
from .result import Progress, Result
from .settings import INITS, Settings
from .variables import Pyramid

Array = NDArray[np.float32]

#: Sees every evaluation; raising `StopIteration` ends the run with the best picture.
Callback = Callable[[Progress], None]

#: Mean and standard deviation of noise pictures, in grey levels. More noise than this
#: stays visible as grain after the usual number of iterations.
NOISE_MEAN, NOISE_DEVIATION = 127.5, 12.0


@dataclass(frozen=True)
class _Job:
    """The pictures of a run at their working sizes, (1, 3, H, W) each."""

    start: Array
    content: Array | None = None
    style: Array | None = None
    alpha_hw: Array | None = None
    notes: tuple[str, ...] = ()


def stylize(
    content: ImageSource,
    style: ImageSource,
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
) -> Result:
    """Paint the picture `content` in the style of the picture `style`.

    Args:
        content: A path, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4): uint8,
            uint16, or float in 0…1.
        style: The same.
        model: A loaded model, to use it for many pictures; or the path or the name of
            one; by default the one that `registry` finds.
        settings: What to aim for; `Settings()` by default.
        callback: Called after every evaluation, in this thread.

    Raises:
        LightstyleError: The subclass says whether a picture, the model, a setting, the
            device or the optimisation is at fault.
    """
    settings = settings or Settings()
    settings = replace(settings, init=settings.init or "content")
    subject = images.load(content, role="content")
    painting = images.load(style, role="style")
    canvas = _fitted(subject, settings, "content")
    brush = _scaled_style(painting, canvas.rgb_hwc.shape, settings)
    start = _start(settings, canvas.rgb_hwc.shape, content=subject, style=painting)
    job = _Job(
        start,
        content=images.to_pixels(canvas.rgb_hwc),
        style=images.to_pixels(brush.rgb_hwc),
        alpha_hw=canvas.alpha_hw,
        notes=(*subject.notes, *painting.notes),
    )
    return _run(job, model, settings, callback)


def reconstruct(
    content: ImageSource,
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
) -> Result:
    """Find a picture with the content features of `content`, by default from noise.

    Arguments and errors are those of `stylize`; the style settings have no effect.
    """
    settings = _from_noise(settings)
    subject = images.load(content, role="content")
    canvas = _fitted(subject, settings, "content")
    start = _start(settings, canvas.rgb_hwc.shape, content=subject)
    pixels = images.to_pixels(canvas.rgb_hwc)
    job = _Job(start, content=pixels, alpha_hw=canvas.alpha_hw, notes=subject.notes)
    return _run(job, model, settings, callback)


def texture(
    style: ImageSource,
    size: tuple[int, int],
    *,
    model: Model | str | Path | None = None,
    settings: Settings | None = None,
    callback: Callback | None = None,
) -> Result:
    """Make a texture of `size` (width, height) in the style of `style`, from noise.

    Arguments and errors are those of `stylize`; the content settings and
    `Settings.size` have no effect.
    """
    settings = _from_noise(settings)
    width, height = size
    if (
        not all(isinstance(side, int) for side in size)
        or min(size) < contract.MINIMUM_SIDE
    ):
        raise UsageError(
            f"size is {width}x{height}, expected sides of at least "
            f"{contract.MINIMUM_SIDE}"
        )
    painting = images.load(style, role="style")
    shape = (height, width, 3)
    brush = _scaled_style(painting, shape, settings)
    start = _start(settings, shape, style=painting)
    job = _Job(start, style=images.to_pixels(brush.rgb_hwc), notes=painting.notes)
    return _run(job, model, settings, callback)


def _from_noise(settings: Settings | None) -> Settings:
    settings = settings or Settings()
    return replace(settings, init=settings.init or "noise")


def _run(
    job: _Job,
    model: Model | str | Path | None,
    settings: Settings,
    callback: Callback | None,
) -> Result:
    began = perf_counter()
    if not isinstance(model, Model):
        model = registry.load(model, settings)
    registry.check(model.info, settings)
    optimizer = OPTIMIZERS[0] if settings.optimizer == "auto" else settings.optimizer
    _, _, height, width = job.start.shape
    layout = model.layout(height, width, optimizer)
    objective = Objective(
        model, settings, job.start, job.content, job.style, layout.plan
    )

    def watch(best: Vector) -> None:
        if callback is not None:
            seconds = perf_counter() - began
            image = best.reshape(job.start.shape)
            history = tuple(objective.history)
            callback(Progress(history, settings, seconds, image, job.alpha_hw))

    outcome = minimize(
        objective,
        job.start.ravel(),
        settings.iterations,
        watch,
        optimizer=optimizer,
        variables=Pyramid(job.start.shape[1:]),
        history=layout.history,
    )
    if outcome.status is Status.NON_FINITE and outcome.evaluations == 1:
        raise TransferError(
            "the loss of the starting picture is not a finite number: lower the "
            f"weights (style-weight is {settings.style_weight:g}, content-weight "
            f"{settings.content_weight:g}, tv-weight {settings.tv_weight:g})"
        )
    return Result(
        image_hwc=images.from_pixels(outcome.point.reshape(job.start.shape)),
        alpha_hw=job.alpha_hw,
        status=outcome.status,
        loss=outcome.loss,
        history=tuple(objective.history),
        seconds=perf_counter() - began,
        settings=settings,
        optimizer=optimizer,
        notes=job.notes,
    )


def _fitted(picture: Picture, settings: Settings, role: str) -> Picture:
    height, width = picture.rgb_hwc.shape[:2]
    size = images.fitted_size(
        width, height, settings.size, enlarge=settings.enlarge, role=role
    )
    return images.resized(picture, size)


def _scaled_style(
    picture: Picture, canvas_shape: tuple[int, ...], settings: Settings
) -> Picture:
    """The style at `style_scale` of the canvas; no larger than it is, unless told."""
    longest = round(max(canvas_shape[:2]) * settings.style_scale)
    long, short = sorted(picture.rgb_hwc.shape[:2], reverse=True)
    # An elongated style stays wide enough for the network.
    size = max(longest, math.ceil(contract.MINIMUM_SIDE * long / short))
    return _fitted(picture, replace(settings, size=size), "style")


def _start(settings: Settings, shape: tuple[int, ...], **pictures: Picture) -> Array:
    """Starting point (1, 3, H, W): `settings.init`, with its share of noise."""
    height, width = shape[:2]
    random = np.random.default_rng(settings.seed)
    noise = random.normal(NOISE_MEAN, NOISE_DEVIATION, (1, 3, height, width))
    if settings.init == "noise":
        return noise.astype(np.float32)
    if settings.init in pictures:
        picture = pictures[str(settings.init)]
    elif settings.init in INITS:
        raise UsageError(f"init is {settings.init}, but this job has no such picture")
    else:
        picture = images.load(str(settings.init), role="init")
    pixels = images.to_pixels(images.resized(picture, (width, height)).rgb_hwc)
    share = settings.init_noise
    return (share * noise + (1 - share) * pixels).astype(np.float32)
