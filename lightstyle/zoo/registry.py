"""Finds the model for a name or a path, and builds a variant that fits the settings.

Without a name, the model is that of the environment variable ``LIGHTSTYLE_MODEL``, else
``vgg19`` in the cache folder, else the bundled one. If a model lacks a layer or has the
other pooling, a variant is built from its weights, where the exporter is installed, and
cached.
"""

import hashlib
import importlib.util
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .. import contract, model_folder
from ..engine.model import Model
from ..engine.model_info import ModelInfo
from ..errors import ModelError
from ..lookup import is_file, usable
from ..settings import arguments
from ..settings.jobs import JOBS, required_layers
from ..settings.scalars import checked, one_of
from ..settings.settings import Settings
from .cache_files import cache_errors

MODEL_VARIABLE: Final = "LIGHTSTYLE_MODEL"

#: How to install the exporter.
EXTRA: Final = (
    "install it with python3 -m pip --python .venv install '.[export]' in a checkout, "
    'elsewhere with pip install "lightstyle[export]"'
)

#: Name of the exporter's package, and where it must lie relative to this one: in a
#: wheel, and in a checkout, where an unrelated `export` could be found first.
_EXPORTERS: Final = (("lightstyle.export", "export"), ("export", "../export"))


def load(
    model: str | Path | None = None,
    settings: Settings | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory: int | None = None,
    *,
    job: str = "stylize",
) -> Model:
    """Load a model that has the layers that a job needs.

    Args:
        model: Path or name; by default VGG19 if it was fetched or exported, else the
            bundled model.
        settings: Settings of the run; `Settings()` by default.
        device: As in `Model.load`.
        threads: As in `Model.load`.
        memory: As in `Model.load`.
        job: Name of the job, one of `JOBS`.

    Raises:
        ModelError: If it is missing or damaged, or no variant that fits can be built.
        OutputError: If a variant is needed and the cache folder cannot be written.
        DeviceError: As in `Model.load`.
    """
    model = checked("model", arguments.MODEL, model)
    settings = checked("settings", arguments.SETTINGS, settings) or Settings()
    job = checked("job", one_of(JOBS), job)
    more = device, threads, memory, settings.precision
    loaded = Model.load(find(model), *more)
    if missing(loaded.info, settings, job):
        path = _variant(loaded.info, settings, job)
        loaded = Model.load(path, *more)
    return loaded


def find(model: str | Path | None) -> Path:
    """Return the path of a model, given by name or path, or of the default one."""
    named = model or os.environ.get(MODEL_VARIABLE)
    if not named:
        path = cached(model_folder.DEFAULT_MODEL)
        return path if is_file(path) else bundled()
    path = usable(named, f"model {named}")
    if path.suffix or path.parent != Path() or is_file(path):
        return path
    in_cache = cached(path.name)
    if path.name == model_folder.BUNDLED_MODEL and not is_file(in_cache):
        return bundled()
    if in_cache.is_relative_to(model_folder.NOWHERE):
        raise ModelError(
            f"model {named} does not exist: there is no home folder with models; give "
            f"its path, or name a folder with {model_folder.CACHE_VARIABLE}"
        )
    return in_cache


def cached(name: str) -> Path:
    """Return the path in the cache folder of the model called `name`."""
    return model_folder.cache_folder() / f"{name}.onnx"


def bundled() -> Path:
    """Return the path of the bundled model: in a checkout, beside the package."""
    package = Path(__file__).parents[1]
    name = f"{model_folder.BUNDLED_MODEL}.onnx"
    installed = package / "models" / name
    return installed if is_file(installed) else package.parent / "models" / name


def available() -> tuple[Path, ...]:
    """List the models in the cache folder, and the bundled one."""
    found = _graphs_in(model_folder.cache_folder())
    parts = {p for path in found for p in contract.graph_paths(path) if p != path}
    return (*(path for path in found if path not in parts), bundled())


def with_weights(digest: str) -> Path | None:
    """Return the path of a model here that was made of the weights of a digest.

    Args:
        digest: SHA-256 of the weights file. A graph file says it as it is written.

    Returns:
        The default model if it is that, else another; None if there is none.
    """
    if not re.fullmatch("[0-9a-f]{64}", digest):
        return None
    for path in dict.fromkeys((find(None), *available(), *_variants())):
        with suppress(OSError):
            if digest.encode() in path.read_bytes():
                return path
    return None


def check(info: ModelInfo, settings: Settings, job: str = "stylize") -> None:
    """Check that a model has everything that `job` needs with `settings`.

    Raises:
        ModelError: If it does not; the message says how to get one that does.
    """
    lacking = missing(info, settings, job)
    if lacking:
        if exporter() is None:
            raise ModelError(
                f"model {info.path.stem} was built without {lacking}: the exporter "
                f"builds one that has it; {EXTRA}"
            )
        layers = required_layers(settings, job)
        raise ModelError(
            f"model {info.path} was built without {lacking}: build another with "
            f"`lightstyle export --weights {contract.weights_path(info.path)} "
            f"--content-layers {','.join(layers.content) or 'none'} "
            f"--style-layers {','.join(layers.style) or 'none'} "
            f"--pooling {settings.pooling} -o MODEL.onnx`"
        )


def missing(info: ModelInfo, settings: Settings, job: str = "stylize") -> str:
    """Describe what a model lacks for `job` with `settings`; empty if nothing."""
    layers = required_layers(settings, job)
    lacking = [
        f"{kind} layer {layer}"
        for kind, wanted, built in (
            ("content", layers.content, info.content_layers),
            ("style", layers.style, info.style_layers),
        )
        for layer in wanted
        if layer not in built
    ]
    if settings.pooling != info.pooling:
        lacking.append(f"{settings.pooling} pooling")
    return ", ".join(lacking)


def _variants() -> list[Path]:
    found = _graphs_in(_variant_folder())
    return [path for path in found if not Path(path.stem).suffix]


def _graphs_in(folder: Path) -> list[Path]:
    """List the graphs in a folder; one that cannot be read counts as empty."""
    try:
        return sorted(folder.glob("*.onnx"))
    except OSError:
        return []


def _variant_folder() -> Path:
    return model_folder.cache_folder() / "variants"


def exporter() -> Any:
    """Import the exporter; None if it or what it needs is not installed."""
    for name, place in _EXPORTERS:
        ours = (Path(__file__).parents[1] / place / "__init__.py").resolve()
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve() != ours:
            continue
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:  # onnx, most likely
            continue
    return None


def _variant(info: ModelInfo, settings: Settings, job: str) -> Path:
    """Build a fitting model from the same weights, or find it in the cache."""
    module = exporter()
    if module is None:
        check(info, settings, job)
    layers = required_layers(settings, job)
    choices = {
        "content_layers": layers.content,
        "style_layers": layers.style,
        "pooling": str(settings.pooling),
    }
    identity = f"{info.weights_digest} {choices} {contract.VERSION}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    path = _variant_folder() / f"{info.path.stem}-{key}.onnx"
    if is_file(path):
        return path
    with cache_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        module.export_model(contract.weights_path(info.path), path, **choices)
    except (OSError, module.ExportError) as error:
        raise ModelError(
            f"a variant of {info.path} cannot be built: {error}"
        ) from error
    return path
