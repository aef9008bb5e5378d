"""Finds what a provider computes on here, or says why there is nothing.

A device can be missing in four ways, and the user is told which: its provider is not
installed; it is installed and finds no device; its library cannot be loaded; or a
device is offered on which no session works. The last shows when a session is made.

ONNX Runtime itself says little of this. It falls back to the CPU in silence where
CUDA's libraries are missing, takes the names of plugins for those of built-in providers
it does not have, and finds no device without a word.
"""

import ctypes
import json
import os
import platform
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module, metadata, util
from pathlib import Path
from threading import Lock
from typing import Any, Final

from .. import contract
from ..library_output import held_back
from ..text import printable
from . import ort_messages, providers
from .provider import Provider
from .threads import available_cpus

_lock: Final = Lock()


@dataclass(frozen=True)
class Offer:
    """A provider with what it would compute on.

    Attributes:
        provider: The provider.
        hardware: ONNX Runtime's device of a plugin; None for a built-in provider.
    """

    provider: Provider
    hardware: Any = None

    def session(self, path: Path, options: Any, threads: int | None) -> Any:
        """Create a session of ONNX Runtime on the device.

        Args:
            path: The graph's file.
            options: Session options.
            threads: Threads of the run, None for the default.

        Raises:
            DeviceError: If ONNX Runtime would compute on the CPU instead.
            Exception: Whatever ONNX Runtime raises.
        """
        runtime, row = providers.onnxruntime(), self.provider
        chosen = dict(row.options)
        missing = row.preload(runtime) if row.preload is not None else ""
        if self.hardware is None:
            named = {"providers": [(row.ort_name, chosen)]}
        else:
            named = {}  # else they would win over the device
            if row.hardware_options is not None:
                kind = self.hardware.device.type.name
                chosen |= row.hardware_options(kind, threads)
            options.add_provider_for_devices([self.hardware], chosen)
        with held_back() if row.self_test else nullcontext():  # drivers print
            made = runtime.InferenceSession(
                str(path), options, enable_fallback=0, **named
            )
        if made.get_providers()[0] != row.ort_name:
            raise row.unusable(
                unloaded(row, missing) or "onnxruntime fell back to the CPU",
                f"it needs {row.install}",
            )
        return made

    def facts(self, graph: Path) -> dict[str, str]:
        """Describe what decides whether a graph's numbers are right on the device.

        Args:
            graph: The evaluation graph; its metadata has the digest of its weights.
        """
        row, device = self.provider, self.hardware
        runtime = providers.onnxruntime()
        facts = {
            "lightstyle": contract.VERSION,
            "onnxruntime": str(getattr(runtime, "__version__", "")),
            "system": platform.platform(),
            "cpus": str(available_cpus()),
            "graph": _digest([graph]),
            "drivers": _digest(_matching(row.drivers)),
            "options": json.dumps(dict(row.options)),
            "precision": row.precision,
        }
        for package in row.packages:
            with suppress(metadata.PackageNotFoundError, OSError, LookupError):
                facts[package] = metadata.version(package)
        for variable in row.variables:
            facts[variable] = os.environ.get(variable, "")
        if device is not None:
            ids = device.device.vendor_id, device.device.device_id
            facts["hardware"] = f"{device.device.type.name} {ids}"
        return facts


def find(provider: Provider) -> Offer:
    """Return the provider with its device on this machine.

    Raises:
        DeviceError: If it is not installed, its library cannot be loaded, or it finds
            no device; or if ONNX Runtime is not installed.
    """
    if not provider.plugin:
        if provider.ort_name not in providers.listed():
            raise provider.unusable(
                "the installed onnxruntime was built without it",
                f"it needs {provider.install}",
            )
        return Offer(provider)
    runtime = providers.onnxruntime()
    if not is_installed(provider):
        raise provider.unusable("it is not installed", f"it needs {provider.install}")
    with _lock:
        found = _devices(runtime, provider)
        if not found:
            problem = _registered(runtime, provider.plugin)
            if problem:
                raise provider.unusable(
                    f"its library cannot be loaded: {problem}",
                    "install what it lacks, or update onnxruntime",
                )
            found = _devices(runtime, provider)
    if not found:
        raise provider.unusable("it is installed, but found no device")
    return Offer(provider, found[0])


def is_installed(provider: Provider) -> bool:
    """Whether the package of a plugin is there."""
    try:
        return util.find_spec(provider.plugin) is not None
    except (ImportError, ValueError):  # it is there and broken
        return False


def unloaded(provider: Provider, missing: str = "") -> str:
    """Describe a library of the driver, or of CUDA, that cannot be loaded.

    Args:
        provider: Its provider.
        missing: What `Provider.preload` returned.

    Returns:
        The reason, empty if none is known.
    """
    reason = missing.partition("\n")[0].rpartition("Failed to load ")[2]
    if not reason and provider.library and sys.platform == "linux":
        try:
            ctypes.CDLL(provider.library)
        except OSError as error:
            reason = str(error)
    # "NAME: NAME: reason", as ONNX Runtime prints it
    name, _, rest = reason.partition(": ")
    reason = rest if rest.startswith(name) else reason
    reason = printable(reason, ort_messages.LONGEST)
    return f"a library cannot be loaded: {reason}" * bool(reason)


def _devices(runtime: Any, provider: Provider) -> list[Any]:
    """Return the plugin's devices that it may be given, the best first."""
    ours = [d for d in runtime.get_ep_devices() if d.ep_name == provider.ort_name]
    return [
        device
        for kind in provider.kinds
        for device in ours
        if device.device.type.name == kind
    ]


@cache
def _registered(runtime: Any, plugin: str) -> str:
    """Register the library of a plugin, once a process; return what went wrong.

    It is never given back: sessions that are alive would crash.
    """
    try:
        path = import_module(plugin).get_library_path()
        with held_back():
            runtime.register_execution_provider_library(f"lightstyle.{plugin}", path)
    except Exception as error:  # of onnxruntime, and of the plugin's package
        return ort_messages.of_library(error)
    return ""


def _matching(patterns: tuple[str, ...]) -> list[Path]:
    root = Path(os.sep)
    return [f for each in patterns for f in sorted(root.glob(each.lstrip(os.sep)))]


def _digest(files: list[Path]) -> str:
    digest = sha256()
    for path in files:
        with suppress(OSError):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16] if files else ""
