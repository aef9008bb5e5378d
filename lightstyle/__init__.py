"""Neural style transfer (Gatys, Ecker and Bethge) without a training framework.

import lightstyle

model = lightstyle.load_model()
result = lightstyle.stylize("photo.jpg", "painting.jpg", model=model)
result.save("out.png")
"""

from .checkpoint import Checkpoint
from .contract import VERSION
from .errors import LightstyleError
from .forecast import Forecast
from .layers import LayerWeights
from .model import Model
from .optimize import Status
from .registry import load as load_model
from .result import Progress, Result
from .resume import resume
from .settings import Settings
from .transfer import reconstruct, stylize, texture

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
