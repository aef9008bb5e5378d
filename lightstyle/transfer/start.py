"""The image that the optimisation starts from."""

from typing import Final

import numpy as np

from .. import images
from ..arrays import Array
from ..settings.choices import Init
from .scene import Scene

#: Mean and standard deviation of noise images, in grey levels. More noise than this
#: stays visible as grain after the usual number of iterations.
NOISE_MEAN: Final = 127.5
NOISE_DEVIATION: Final = 12.0


def start_image(scene: Scene) -> Array:
    """Make the canvas of what `Settings.init` asks for, mixed with noise.

    Returns:
        (1, 3, h, w).
    """
    settings, given = scene.settings, scene.inputs.start
    width, height = scene.size
    random = np.random.default_rng(settings.seed)
    noise = random.normal(NOISE_MEAN, NOISE_DEVIATION, (1, 3, height, width))
    if given is None:
        return scene.frame.around(noise.astype(np.float32))
    if settings.init == Init.STYLE:
        image_hwc = scene.as_style(given, scene.size)
    else:
        image_hwc = scene.as_content(given)
    mixed, pixels = settings.init_noise, images.to_pixels(image_hwc)
    start = (mixed * noise + (1 - mixed) * pixels).astype(np.float32)
    return scene.frame.around(start)
