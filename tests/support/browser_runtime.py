"""ONNX Runtime for browsers, as the cache folder has it once npm has installed it."""

from pathlib import Path

import pytest

from lightstyle.site import runtime
from lightstyle.site.devices import DEVICES
from tests.support.processes import ROOT

#: Folder of the package that `npm ci --ignore-scripts` installs in tests/web.
DIST = ROOT / "tests" / "web" / "node_modules" / "onnxruntime-web" / "dist"


def fake_dist(folder: Path) -> Path:
    """A folder ``dist`` with files of the right names."""
    folder.mkdir(parents=True)
    for device in DEVICES.values():
        for name in device.runtime:
            (folder / name).write_text(f"// {name}")
    return folder


def real(folder: Path) -> Path:
    """The files in a folder; the test is skipped where npm has not installed them."""
    if not DIST.is_dir():
        pytest.skip("needs `npm ci --ignore-scripts` in tests/web")
    runtime.install(DIST, folder)
    return folder
