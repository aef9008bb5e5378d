"""Describes what a run depends on besides its settings: versions, processor, threads.

Nothing in it identifies the machine or its owner, so that it can be kept in an image.
"""

import platform
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..contract import VERSION
from ..engine import providers
from ..engine.model import Model
from ..engine.threads import available_cpus
from ..errors import DeviceError

#: Packages whose arithmetic affects the result.
_PACKAGES: Final = ("numpy", "scipy", "pillow")

#: Modules that are not called like their package.
_MODULES: Final = {"pillow": "PIL"}

#: Version of what does not tell its own.
_UNKNOWN: Final = "unknown"


def versions() -> dict[str, str]:
    """Return the versions of Lightstyle, Python and the packages that compute.

    The version of onnxruntime is ``none`` if it is not installed.
    """
    found = {"lightstyle": VERSION, "python": platform.python_version()}
    found |= {package: version_of(package) for package in _PACKAGES}
    try:
        runtime = providers.onnxruntime()
    except DeviceError:
        return {**found, "onnxruntime": "none"}
    return {**found, "onnxruntime": getattr(runtime, "__version__", _UNKNOWN)}


def version_of(package: str) -> str:
    """Return the version of a package, or ``unknown``.

    It is read from the installed metadata, which is faster than importing scipy. What a
    bundle left out of these, the module may tell.
    """
    from importlib import import_module, metadata

    version: object = None
    with suppress(metadata.PackageNotFoundError, OSError, LookupError):
        version = metadata.version(package)
    if not version:
        with suppress(ImportError):
            module = import_module(_MODULES.get(package, package))
            version = getattr(module, "__version__", None)
    return str(version or _UNKNOWN)


def system() -> str:
    """Return operating system and architecture, such as ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"


def processor() -> str:
    """Return the name of the processor, or else its architecture."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> list[str]:
    """Return the processor's instruction sets that NumPy has kernels for."""
    found: Any = np.show_config(mode="dicts")
    return list((found or {}).get("SIMD Extensions", {}).get("found", ()))


def of_run(model: Model) -> dict[str, Any]:
    """Describe the environment of a run of `model`, as JSON values."""
    row = providers.named(model.device)
    packages = row.packages if row is not None else ()
    return {
        "device": model.device,
        "threads": model.threads,  # None: as many as there are
        "cpus": available_cpus(),
        "system": system(),
        "instruction_sets": instruction_sets(),
        "versions": versions() | {each: version_of(each) for each in packages},
    }
