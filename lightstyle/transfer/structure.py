"""Measures how much of the content a run's picture has lost."""

import numpy as np

from .. import contract
from ..arrays import Array
from ..engine.guides import levels
from ..engine.model import Model
from ..losses.likeness import lost
from .plans import Plans
from .scene import Scene


class Structure:
    """Measures what pictures of a scene have lost of the content."""

    def __init__(self, model: Model, scene: Scene, plans: Plans) -> None:
        """Compute the content's features.

        Args:
            model: Computes features.
            scene: Images at the size of the pictures.
            plans: Chooses the execution plans.
        """
        content = scene.content_pixels()
        assert content is not None  # a strength is for jobs with a content
        layer = scene.settings.content_layers.used[0]
        self._target = contract.content_target(layer)
        self._model, self._tiling = model, plans.choose(scene).tiling
        self._weights_hw = _free(scene, contract.block(layer))
        self._content = self._features(content)

    def lost(self, canvas: Array) -> float:
        """Return how much of the content a canvas, (1, 3, h, w), has lost, 0…1."""
        return lost(self._features(canvas), self._content, self._weights_hw)

    def _features(self, canvas: Array) -> Array:
        pixels = canvas.astype(np.float32, copy=False)
        return self._model.targets(pixels, self._tiling)[self._target]


def _free(scene: Scene, block: int) -> Array | None:
    """Return how free each position of a block is to change; None if all are."""
    fixed = [each for each in (scene.frozen_hw, scene.protected_hw) if each is not None]
    if not fixed:
        return None
    free: Array = np.float32(1) - np.maximum.reduce(fixed).astype(np.float32)
    weights_hw = levels(free[None])[block - 1][0]
    return weights_hw if weights_hw.any() else None
