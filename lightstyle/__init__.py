"""Neural style transfer (Gatys, Ecker and Bethge) without a training framework.

    import lightstyle

    result = lightstyle.stylize("photo.jpg", "painting.jpg")
    result.save("out.png")

Modules are imported when a name of theirs is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .contract import VERSION
    from .engine.model import Model
    from .errors import (
        BatchError,
        CheckpointError,
        ClusterError,
        DeviceError,
        ImageError,
        LightstyleError,
        ModelError,
        NetworkError,
        OutputError,
        TransferError,
        UsageError,
    )
    from .losses.objective import Losses
    from .optimize.minimize import Status
    from .quality.judge import Judge, Quality
    from .records.checkpoint import Checkpoint
    from .records.record import Record
    from .settings.layers import LayerWeights
    from .settings.presets import preset
    from .settings.settings import Settings
    from .transfer.forecast import Forecast
    from .transfer.result import Progress, Result
    from .transfer.stylize import reconstruct, resume, stylize, texture
    from .zoo.registry import load as load_model

    __version__ = VERSION

__all__ = ["__version__"]
__all__ += ["reconstruct", "resume", "stylize", "texture"]  # jobs
__all__ += [
    "LayerWeights",
    "Model",
    "Settings",
    "load_model",
    "preset",
]  # what they take
__all__ += ["Forecast", "Losses", "Progress", "Result", "Status"]  # what they give
__all__ += ["Checkpoint", "Record"]  # what is kept of a run
__all__ += ["Judge", "Quality"]  # quality of results
__all__ += ["BatchError", "CheckpointError", "ClusterError", "DeviceError"]
__all__ += ["LightstyleError"]
__all__ += ["ImageError", "ModelError", "NetworkError", "OutputError"]
__all__ += ["TransferError", "UsageError"]

#: Public names by module.
_MODULES: Final = {
    "contract": ("__version__",),
    "engine.model": ("Model",),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "losses.objective": ("Losses",),
    "optimize.minimize": ("Status",),
    "quality.judge": ("Judge", "Quality"),
    "records.checkpoint": ("Checkpoint",),
    "records.record": ("Record",),
    "settings.layers": ("LayerWeights",),
    "settings.presets": ("preset",),
    "settings.settings": ("Settings",),
    "transfer.forecast": ("Forecast",),
    "transfer.result": ("Progress", "Result"),
    "transfer.stylize": ("reconstruct", "resume", "stylize", "texture"),
    "zoo.registry": ("load_model",),
}
_MODULE_OF: Final = {
    name: module for module, names in _MODULES.items() for name in names
}

#: What public names are called in their modules, where that differs.
_NAMES: Final = {"load_model": "load", "__version__": "VERSION"}


if not TYPE_CHECKING:  # a type checker must not take every name for a public one

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(f".{_MODULE_OF[name]}", __name__)
        found = getattr(module, _NAMES.get(name, name))
        if callable(found):  # users see where they can import it from
            found.__module__ = __name__
            found.__name__ = found.__qualname__ = name
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
