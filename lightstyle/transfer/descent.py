"""What a descent at one size takes: the targets, and the method with its start."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..arrays import PIXEL_RANGE, Array
from ..engine.model import Model
from ..losses.targets import StyleTarget, Targets
from ..optimize.curvature import History
from ..optimize.method import Method
from ..optimize.minimize import METHODS
from ..optimize.preconditioner import Pyramid
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
    content, frozen = scene.content_pixels(), None
    if scene.frozen_hw is not None and content is not None:
        image = np.where(scene.frozen_hw, content, image)
        frozen = np.broadcast_to(scene.frozen_hw, image.shape).ravel()
    return METHODS[scene.settings.chosen_optimizer](
        image.ravel(),
        PIXEL_RANGE,
        preconditioner=Pyramid(image.shape[1:]),
        frozen=frozen,
        history=history,
    )


def _styles(plans: Plans, scene: Scene) -> Iterator[StyleTarget]:
    """Yield the style images of a scene, with their strips."""
    chosen = plans.choose_styles(scene)
    for style, plan in zip(scene.style_targets(), chosen, strict=True):
        yield replace(style, tiling=plan.tiling)
