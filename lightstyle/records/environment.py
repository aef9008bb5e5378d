"""What a run depends on besides its settings: versions, processor, threads.

None of it names the machine or its owner, so that it may stand in a picture.
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

#: Packages whose arithmetic is in a picture.
_PACKAGES: Final = ("numpy", "scipy", "pillow")


def versions() -> dict[str, str]:
    """Of Lightstyle, Python and what computes; ``none`` if onnxruntime is not there.

    As the packages are installed, since to import scipy takes longer than to read that.
    """
    from importlib import metadata

    found = {"lightstyle": VERSION, "python": platform.python_version()}
    found |= {package: metadata.version(package) for package in _PACKAGES}
    try:
        return {**found, "onnxruntime": providers.runtime_version()}
    except DeviceError:
        return {**found, "onnxruntime": "none"}


def system() -> str:
    """Operating system and kind of processor, such as ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"


def processor() -> str:
    """Its name, if it says."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> list[str]:
    """Of this processor, those that NumPy has kernels for, by NumPy's names."""
    found: Any = np.show_config(mode="dicts")
    return list((found or {}).get("SIMD Extensions", {}).get("found", ()))


def of_run(model: Model) -> dict[str, Any]:
    """All of that for a run of `model`, as plain values."""
    return {
        "device": model.device,
        "threads": model.threads,  # none: as many as there are
        "cpus": available_cpus(),
        "system": system(),
        "instruction_sets": instruction_sets(),
        "versions": versions(),
    }
