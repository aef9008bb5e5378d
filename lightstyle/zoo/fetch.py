"""Fetches official weights by name and builds a model from them.

The weights are kept in the folder ``weights`` of the cache folder, and the model is
cached under their name (`registry.cached`). No file is used before its digest has been
checked.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from .. import contract
from ..digest import sha256_of
from ..engine import weights
from ..engine.graphs import check_files
from ..engine.model import Model
from ..engine.providers import HOST
from ..errors import DeviceError, ModelError, NetworkError
from ..lookup import exists, is_file, trouble, usable
from . import registry
from .cache_files import cache_errors, copy, remove
from .download import DownloadProgress, Patience, download
from .known import Known, known
from .lock import locked

#: Environment variable that forbids the network, unless it is empty or 0.
OFFLINE_VARIABLE: Final = "LIGHTSTYLE_OFFLINE"


def fetch(
    name: str,
    *,
    source: str | None = None,
    offline: bool = False,
    progress: DownloadProgress | None = None,
    patience: Patience | None = None,
) -> Path:
    """Fetch the weights called `name`, build their model, and return its path.

    Files that exist and are right are kept. If two processes do this at once, the
    second waits and then uses the files of the first.

    Args:
        name: One of `KNOWN`.
        source: Path or URL of a copy of the file; by default, the mirrors.
        offline: Whether the network is off.
        progress: Callbacks that follow the download.
        patience: How long to try each URL; `Patience()` by default.

    Raises:
        UsageError: If `name` or the kind of URL is unknown.
        NetworkError: If the weights are not here and cannot be fetched.
        ModelError: If the file is not the expected one, or no model can be built from
            it.
        OutputError: If the cache folder cannot be written.
    """
    entry, progress = known(name), progress or DownloadProgress()
    path = entry.path
    with cache_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    waiting = f"{name} is being fetched by another process: waiting for it"
    with locked(path.with_name(f"{path.name}.lock"), partial(progress.note, waiting)):
        if source is not None and "://" not in source:
            _copy(entry, usable(source, source))
        elif not _is_there(entry, progress):
            _refuse_if(offline, entry)
            urls = entry.mirrors if source is None else (source,)
            _download(entry, urls, progress, patience or Patience())
        return _make_model(entry)


def _is_there(entry: Known, progress: DownloadProgress) -> bool:
    if not is_file(entry.path):
        return False
    try:
        entry.expected.check(entry.path, f"weights {entry.path}")
    except ModelError as error:
        progress.note(f"{error}; fetching them again")
        remove(entry.path)
        return False
    return True


def forbids_network() -> bool:
    """Whether `OFFLINE_VARIABLE` does."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def _refuse_if(offline: bool, entry: Known) -> None:
    if offline or forbids_network():
        why = f"{OFFLINE_VARIABLE} is set" if forbids_network() else "--offline"
        raise NetworkError(
            f"{entry.name} is not on this machine and the network is off ({why}): "
            f"download {entry.mirrors[0]} elsewhere and give it with --from FILE"
        )


def _copy(entry: Known, source: Path) -> None:
    """Copy the file at `source` to the cache if it is the expected one."""
    if what := trouble(source):
        raise ModelError(f"{source} {what}: give a copy of {entry.path.name}")
    advice = (
        f": this is not the file of {entry.name}; use `lightstyle export --weights "
        f"{source}` for other VGG19 weights"
    )
    entry.expected.check(source, str(source), advice)
    if not (exists(entry.path) and source.samefile(entry.path)):
        copy(source, entry.path)


def _download(
    entry: Known, urls: Sequence[str], progress: DownloadProgress, patience: Patience
) -> None:
    """Download from the first URL that sends the right file."""
    failures: list[NetworkError | ModelError] = []
    for url in urls:
        if failures:
            progress.note(f"{failures[-1]}; trying the next mirror")
        try:
            download(url, entry.path, entry.expected, progress, patience)
            return
        except (NetworkError, ModelError) as error:
            failures.append(error)
    # That a file is wrong matters more than that another is missing.
    worst = next((e for e in failures if isinstance(e, ModelError)), failures[-1])
    reasons = "; ".join(str(failure) for failure in failures)
    raise type(worst)(
        f"{entry.name} cannot be fetched: {reasons}; try again later, or give a copy "
        "with --from FILE"
    ) from worst


def _make_model(entry: Known) -> Path:
    path = registry.cached(entry.name)
    digest, found = sha256_of(entry.path), _source_digest(path)
    if found == digest and _loads(path):
        return path
    if found not in (None, digest):
        raise ModelError(
            f"model {path} was built from other weights (SHA-256 {found}, expected "
            f"{digest} of {entry.name}): remove it first"
        )
    module = registry.exporter()
    if module is None:
        raise ModelError(
            f"the weights are at {entry.path}, but the exporter, which builds the "
            f"model from them, is not installed: {registry.EXTRA}; then try again"
        )
    try:
        for damaged in (*contract.graph_paths(path), contract.weights_path(path)):
            damaged.unlink(missing_ok=True)  # it may no longer look like a model
        module.export_model(entry.path, path)
    except (OSError, module.ExportError) as error:
        raise ModelError(f"no model can be built from {entry.name}: {error}") from error
    return path


def _loads(model: Path) -> bool:
    try:
        check_files(model)
        with suppress(DeviceError):  # unknown without onnxruntime
            Model.load(model, HOST.name)
    except ModelError:
        return False
    return True


def _source_digest(model: Path) -> str | None:
    """Return the SHA-256 of the file that the model was built from, if it says."""
    try:
        metadata = weights.read_metadata(contract.weights_path(model))
        return metadata[contract.META_SOURCE_DIGEST]
    except weights.DAMAGE:
        return None
