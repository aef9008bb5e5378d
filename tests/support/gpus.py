"""GPUs that a test may run on, and why it may not."""

import os
import subprocess
import sys
from functools import cache
from importlib import util
from pathlib import Path

import pytest

from lightstyle.engine import offers
from lightstyle.engine.provider import Provider
from lightstyle.engine.providers import PROVIDERS
from lightstyle.errors import DeviceError
from tests.support.processes import ROOT, unignore

#: Chromium's software adapter, and the Vulkan loader beside it.
_ADAPTER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")

needs_webgpu = pytest.mark.skipif(
    util.find_spec("onnxruntime_ep_webgpu") is None,
    reason="the extra webgpu is not installed",
)

needs_adapter = pytest.mark.skipif(
    not _ADAPTER.exists(), reason=f"Chromium's software adapter {_ADAPTER} is missing"
)


@cache
def cuda_is_missing() -> bool:
    """Whether there is no CUDA, or no driver; that they work is what tests show."""
    return not _is_offered(_row("cuda")) or bool(offers.unloaded(_row("cuda")))


@cache
def gpu_is_offered() -> bool:
    """Whether there is a GPU for WebGPU."""
    return _is_offered(_row("webgpu"))


@cache
def vulkan_is_installed() -> bool:
    """Whether there is a Vulkan loader, but for Chromium's."""
    return not offers.unloaded(_row("webgpu"))


def _row(name: str) -> Provider:
    return next(row for row in PROVIDERS if row.name == name)


def _is_offered(row: Provider) -> bool:
    try:
        offers.find(row)
    except DeviceError:
        return False
    return True


def environment(device: str, folder: Path) -> dict[str, str]:
    """The environment of a process on a device, with an empty cache in `folder`."""
    made = {**os.environ, "LIGHTSTYLE_CACHE": str(folder / "cache")}
    if device == "webgpu":
        paths = [str(_ADAPTER.parent), made.get("LD_LIBRARY_PATH", "")]
        made |= {
            "VK_ICD_FILENAMES": str(_ADAPTER),
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, paths)),
            "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1",
            "XDG_RUNTIME_DIR": str(folder),
        }
    return made


def run(
    *arguments: object, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments, from the root of the checkout."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=unignore,
    )
