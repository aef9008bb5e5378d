"""From the name of official weights to the model of them, on this machine.

The weights are kept in the folder ``weights`` of the cache folder; the model is the one
of their name (`registry.cached`). Nothing is used whose digest was not checked.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .. import contract
from ..engine.graphs import check_files
from ..engine.model import Model
from ..engine.providers import HOST
from ..errors import DeviceError, ModelError, NetworkError
from . import registry
from .download import (
    PATIENCE,
    DownloadProgress,
    Patience,
    download,
    part_path,
    place,
    remove,
    unwritable,
)
from .known import Known, known
from .lock import locked

#: Environment variable that forbids the network, unless it is empty or 0.
OFFLINE_VARIABLE: Final = "LIGHTSTYLE_OFFLINE"

_LONGEST_HEADER: Final = 2**20


def fetch(
    name: str,
    *,
    source: str | None = None,
    offline: bool = False,
    watcher: DownloadProgress | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Get the weights called `name`, make the model of them, and return its path.

    What is there already and is right is neither fetched nor made again. If two do
    this at once, the second waits and then finds what the first has made.

    Args:
        name: One of `KNOWN`.
        source: A path or a URL of a copy of the file; by default, the mirrors.
        offline: Whether to do without the network.
        watcher: Whom to tell about it.
        patience: How long to try each URL.

    Raises:
        UsageError: `name` or the kind of URL is unknown.
        NetworkError: The weights are not there, and cannot be fetched.
        ModelError: What was fetched, or the copy, is not the file expected, or no
            model can be made of it.
        OutputError: The cache folder cannot be written.
    """
    entry, watcher = known(name), watcher or DownloadProgress()
    path = entry.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error

    def waiting() -> None:
        watcher.note(f"{name} is being fetched by another process: waiting for it")

    with locked(path.with_name(f"{path.name}.lock"), waiting):
        if source is not None and "://" not in source:
            _copy(entry, Path(source))
        elif not _is_there(entry, watcher):
            _refuse_if(offline, entry)
            urls = entry.mirrors if source is None else (source,)
            _download(entry, urls, watcher, patience)
        return _make_model(entry)


def _is_there(entry: Known, watcher: DownloadProgress) -> bool:
    if not entry.path.is_file():
        return False
    try:
        entry.expected.check(entry.path, f"weights {entry.path}")
    except ModelError as error:
        watcher.note(f"{error}: fetching them again")
        remove(entry.path)
        return False
    return True


def _refuse_if(offline: bool, entry: Known) -> None:
    variable = os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")
    if offline or variable:
        why = f"{OFFLINE_VARIABLE} is set" if variable else "--offline"
        raise NetworkError(
            f"{entry.name} is not here, and the network is off ({why}): fetch "
            f"{entry.mirrors[0]} elsewhere and give it with --from FILE"
        )


def _copy(entry: Known, source: Path) -> None:
    """Take the file that somebody has, if it is the one."""
    if not source.is_file():
        raise ModelError(f"{source} is not a file: give a copy of {entry.path.name}")
    try:
        entry.expected.check(source, str(source))
    except ModelError as error:
        raise ModelError(
            f"{error}: it is not the {entry.name} expected; `lightstyle export "
            f"--weights {source}` takes any file of VGG19"
        ) from error
    if entry.path.exists() and source.samefile(entry.path):
        return
    part = part_path(entry.path)
    try:
        shutil.copyfile(source, part)
    except OSError as error:
        raise unwritable(part, error) from error
    place(entry.path)


def _download(
    entry: Known, urls: Sequence[str], watcher: DownloadProgress, patience: Patience
) -> None:
    """Download from the first URL that gives the right file."""
    failures: list[NetworkError | ModelError] = []
    for url in urls:
        if failures:
            watcher.note(f"{failures[-1]}; trying the next mirror")
        try:
            download(url, entry.path, entry.expected, watcher, patience)
            return
        except (NetworkError, ModelError) as error:
            failures.append(error)
    # A wrong file is worse news than none.
    worst = next((e for e in failures if isinstance(e, ModelError)), failures[-1])
    reasons = "; ".join(str(failure) for failure in failures)
    raise type(worst)(
        f"{entry.name} cannot be fetched: {reasons}; try again later, or give a copy "
        "with --from FILE"
    ) from worst


def _make_model(entry: Known) -> Path:
    path = registry.cached(entry.name)
    with entry.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = _source_digest(path)
    if found == digest and _loads(path):
        return path
    if found not in (None, digest):
        raise ModelError(
            f"model {path} was made of other weights (SHA-256 {found}, those of "
            f"{entry.name} have {digest}): remove it first"
        )
    module = registry.exporter()
    if module is None:
        raise ModelError(
            f"the weights are at {entry.path}, but the exporter, which makes the model "
            f"of them, is not installed: {registry.EXTRA}; then again"
        )
    try:
        for damaged in (*contract.graph_paths(path), contract.weights_path(path)):
            damaged.unlink(missing_ok=True)  # it may not look like a model any more
        module.export_model(entry.path, path)
    except (OSError, module.ExportError) as error:
        raise ModelError(f"no model of {entry.name} can be made: {error}") from error
    return path


def _loads(model: Path) -> bool:
    try:
        check_files(model)
        Model.load(model, HOST.name)
    except ModelError:
        return False
    except DeviceError:  # without onnxruntime nobody can tell
        return True
    return True


def _source_digest(model: Path) -> str | None:
    """SHA-256 of the file that the model was made of, or `None` if it does not say."""
    try:
        with contract.weights_path(model).open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        return str(header["__metadata__"][contract.META_SOURCE_DIGEST])
    except (OSError, ValueError, KeyError, TypeError):
        return None
