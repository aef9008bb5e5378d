"""Neural style transfer (Gatys, Ecker and Bethge) without a training framework.

import lightstyle

model = lightstyle.load_model()
result = lightstyle.stylize("photo.jpg", "painting.jpg", model=model)
result.save("out.png")
"""

from .contract import VERSION
from .engine.model import Model
from .errors import LightstyleError
from .optimize.minimize import Status
from .records.checkpoint import Checkpoint
from .settings.layers import LayerWeights
from .settings.settings import Settings
from .transfer.forecast import Forecast
from .transfer.result import Progress, Result
from .transfer.resume import resume
from .transfer.stylize import reconstruct, stylize, texture
from .zoo.registry import load as load_model

__version__ = VERSION

__all__ = [
    "Checkpoint",
    "Forecast",
    "LayerWeights",
    "LightstyleError",
    "Model",
    "Progress",
    "Result",
    "Settings",
    "Status",
    "__version__",
    "load_model",
    "reconstruct",
    "resume",
    "stylize",
    "texture",
]
