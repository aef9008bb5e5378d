"""Measures how much of the content a run's picture has lost."""

from typing import Final

import numpy as np

from .. import contract
from ..arrays import Array
from ..engine.guides import levels
from ..engine.model import Model
from ..losses.likeness import lost
from ..losses.targets import Targets
from .scene import Scene

#: The layer that tells whether forms are kept, if it is a content layer. Earlier ones
#: see colours and strokes, too.
_FORMS: Final = "conv4_2"


class Structure:
    """Measures what pictures of a scene have lost of the content."""

    def __init__(self, model: Model, scene: Scene, targets: Targets) -> None:
        """Take the content's features.

        Args:
            model: Computes features.
            scene: Images at the size of the pictures.
            targets: What the pictures are compared with.
        """
        used = scene.settings.content_layers.used
        layer = _FORMS if _FORMS in used else used[0]
        self._model, self._targets = model, targets
        self._name = contract.content_target(layer)
        self._weights_hw = _free(scene, contract.block(layer))

    def lost(self, canvas: Array) -> float:
        """Return how much of the content a canvas, (1, 3, h, w), has lost, 0…1."""
        pixels = canvas.astype(np.float32, copy=False)
        features = self._model.targets(pixels, self._targets.tiling)[self._name]
        return lost(features, self._targets.feeds[self._name], self._weights_hw)


def _free(scene: Scene, block: int) -> Array | None:
    """Return how free each position of a block is to change; None if all are."""
    fixed = [each for each in (scene.frozen_hw, scene.protected_hw) if each is not None]
    if not fixed:
        return None
    free: Array = np.float32(1) - np.maximum.reduce(fixed).astype(np.float32)
    weights_hw = levels(free[None])[block - 1][0]
    return weights_hw if weights_hw.any() else None
