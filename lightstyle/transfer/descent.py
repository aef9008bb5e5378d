"""What a descent at one size takes: the targets, and the method with its start."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..arrays import PIXEL_RANGE, Array
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..losses.objective import DeviceObjective, Objective
from ..losses.targets import StyleTarget, Targets
from ..optimize.curvature import History
from ..optimize.device import DeviceLBFGS
from ..optimize.method import Method
from ..optimize.minimize import METHODS
from ..optimize.preconditioner import PyramidMap
from ..settings.choices import Optimizer
from ..settings.settings import Settings
from . import regions
from .plans import Plans
from .scene import Scene


def targets_of(model: Model, plans: Plans, scene: Scene, level_start: Array) -> Targets:
    """Compute what a scene's picture is compared with.

    Args:
        model: Computes it.
        plans: Chooses the execution plans.
        scene: Images at the size of the picture.
        level_start: The canvas that the descent starts from, (1, 3, h, w).
    """
    masks_rhw = scene.masks_rhw()
    feeds = None
    if masks_rhw is not None:
        feeds = regions.feeds(scene.inputs.regions, masks_rhw)
    return Targets.of(
        model,
        scene.settings,
        level_start,
        content=scene.content_pixels(),
        styles=_styles(plans, scene),
        region_feeds=feeds,
        tiling=plans.choose(scene).tiling,
    )


def method_of(scene: Scene, image: Array, history: History) -> Method:
    """Return the method of the settings, set up to start from a canvas.

    Args:
        scene: Images at the size of the canvas; its frozen pixels stay the content's.
        image: The canvas, (1, 3, h, w).
        history: What the method remembers.
    """
    image, frozen = _start(scene, image), None
    if scene.frozen_hw is not None:
        frozen = np.broadcast_to(scene.frozen_hw, image.shape).ravel()
    return METHODS[scene.settings.chosen_optimizer](
        image.ravel(),
        PIXEL_RANGE,
        preconditioner=PyramidMap(image.shape[1:]),
        frozen=frozen,
        history=history,
    )


def stays_on_device(model: Model, settings: Settings, plan: ExecutionPlan) -> bool:
    """Return whether a picture is optimised where the model computes."""
    own = settings.chosen_optimizer == Optimizer.LBFGS
    return model.keeps_pictures and own and plan.tiling is None


def on_device(
    scene: Scene, objective: Objective, image: Array, history: History
) -> tuple[DeviceObjective, DeviceLBFGS]:
    """Return an objective and the method where pictures stay on the model's device.

    Args:
        scene: Images at the size of the canvas.
        objective: The loss.
        image: The canvas, (1, 3, h, w).
        history: What the method remembers.
    """
    height, width = image.shape[2:]
    free_hw = np.ones((height, width), np.float32)
    if scene.frozen_hw is not None:
        free_hw[scene.frozen_hw] = 0
    placed = objective.on_device(free_hw, history.pairs)
    method = DeviceLBFGS(_start(scene, image), placed.device, history=history)
    return placed, method


def _start(scene: Scene, image: Array) -> Array:
    """Return the canvas with the content's pixels where they stay the content's."""
    content = scene.content_pixels()
    if scene.frozen_hw is None or content is None:
        return image
    return np.where(scene.frozen_hw, content, image)


def _styles(plans: Plans, scene: Scene) -> Iterator[StyleTarget]:
    """Yield the style images of a scene, with their strips."""
    chosen = plans.choose_styles(scene)
    for style, plan in zip(scene.style_targets(), chosen, strict=True):
        yield replace(style, tiling=plan.tiling)
