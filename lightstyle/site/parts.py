"""The files that browsers get, by their paths: of the page, and of its own engine.

The service and a static site serve the same paths, all relative to the page's address.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .. import contract
from ..model_folder import BUNDLED_MODEL
from ..settings import presets
from ..settings.fields import FIELDS
from ..settings.schema import form
from ..zoo import registry
from .devices import DEVICES

#: Folder of the page's own files.
PAGE: Final = Path(__file__).parents[1] / "page"

#: What the page's own engine can be asked for.
SETTINGS: Final = "page/settings.json"

#: What the page knows of a server.
SERVER: Final = "page/server.js"

#: Which engines the page has.
ENGINES: Final = "page/engines.json"

#: Files of the page that lie at the top of the site; all others are below ``page/``.
_TOP: Final = ("index.html", "sw.js")

#: What only npm reads.
_UNSERVED: Final = ("package.json", "package-lock.json")

#: Most pictures of each role, most evaluations, and most bytes and pixels of a picture,
#: which browsers hold in memory as a whole.
_MOST: Final = {"content": 1, "style": 4}
_MOST_ITERATIONS: Final = 2000
_LIMITS: Final = {"file": 100_000_000, "pixels": 50_000_000, "side": 16_384}


def page_files() -> dict[str, Path]:
    """Return the page's own files by their paths."""
    found = {}
    for path in sorted(PAGE.rglob("*")):
        name = path.relative_to(PAGE).as_posix()
        if path.is_file() and name not in _UNSERVED:
            found[name if name in _TOP else f"page/{name}"] = path
    return found


def device_files(device: str, runtime: Path) -> dict[str, Path]:
    """Return what the page needs to paint on a device, by paths.

    Args:
        device: One of `DEVICES`.
        runtime: Folder of ONNX Runtime for browsers.
    """
    model, about = registry.bundled(), DEVICES[device]
    graphs = (contract.weights_path(model), *about.graphs(model))
    return {
        **{f"page/model/{path.name}": path for path in graphs},
        **{f"page/ort/{name}": runtime / name for name in about.runtime.values()},
    }


def served(runtime: Path | None) -> dict[str, Path]:
    """Return all files that the service has for its page, by paths.

    Args:
        runtime: Folder of ONNX Runtime for browsers; None if it is not there, and the
            server alone can paint.
    """
    found = page_files()
    if runtime is not None:
        for device in DEVICES:
            found |= device_files(device, runtime)
    return found


def settings() -> bytes:
    """Return what the page's own engine can be asked for, as JSON."""
    found: dict[str, Any] = form(
        limits={
            "size": max(device.largest for device in DEVICES.values()),
            "iterations": _MOST_ITERATIONS,
        },
        most=_MOST,
        types=("image/png", "image/jpeg", "image/webp"),
        formats=("png",),
        presets={name: _preset(name) for name in presets.names()},
        models=(BUNDLED_MODEL,),
        model=BUNDLED_MODEL,
    )
    found["limits"] = _LIMITS
    found["devices"] = {
        name: {
            "settings": {
                "size": {"default": device.size, "maximum": device.largest},
                "iterations": {"default": device.iterations},
            },
            "files": [*device_files(name, Path())],
        }
        for name, device in DEVICES.items()
    }
    return json.dumps(found, ensure_ascii=False).encode()


def engines(*, server: bool, device: bool) -> bytes:
    """Return which engines the page has, as JSON."""
    return json.dumps({"server": server, "device": device}).encode()


def _preset(name: str) -> Mapping[str, Any]:
    found = presets.read(presets.SHIPPED / f"{name}.toml")
    return {k: v for k, v in found.items() if FIELDS[k].kind.not_files is None}
