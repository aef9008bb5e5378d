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


def versions() -> dict[str, str]:
    """Return the versions of Lightstyle, Python and the packages that compute.

    They are read from the installed metadata, which is faster than importing scipy.
    The version of onnxruntime is ``none`` if it is not installed.
    """
    from importlib import metadata

    found = {"lightstyle": VERSION, "python": platform.python_version()}
    found |= {package: metadata.version(package) for package in _PACKAGES}
    try:
        return {**found, "onnxruntime": providers.onnxruntime().__version__}
    except DeviceError:
        return {**found, "onnxruntime": "none"}


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
    return {
        "device": model.device,
        "threads": model.threads,  # None: as many as there are
        "cpus": available_cpus(),
        "system": system(),
        "instruction_sets": instruction_sets(),
        "versions": versions(),
    }
