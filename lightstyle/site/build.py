"""Writes the page as a static site: whole, or not at all."""

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import leftovers
from ..errors import ModelError, OutputError
from ..lookup import exists, is_folder, trouble, usable
from . import parts
from .devices import DEVICES

#: What the service worker goes by: the files of the site with their digests.
LIST: Final = "site.js"


@dataclass(frozen=True)
class Part:
    """A file of a site.

    Attributes:
        raw: Number of its bytes.
        compressed: Number of its bytes as servers send it, with gzip.
        devices: Devices that need it; empty for all.
    """

    raw: int
    compressed: int
    devices: frozenset[str]


def check(folder: Path) -> Path:
    """Check before the work that a site can be written into a folder.

    Raises:
        UsageError: No folder can have that name.
        OutputError: There is something in it, or it cannot be written.
    """
    folder = usable(folder, f"output {folder}")
    try:
        if exists(folder) and not is_folder(folder):
            raise OutputError(f"cannot write {folder}: this is a file; give a folder")
        if is_folder(folder) and any(folder.iterdir()):
            raise OutputError(
                f"cannot write {folder}: the folder is not empty; name a new one, or "
                "remove what is in it"
            )
        above = folder.absolute().parent
        while not exists(above):
            above = above.parent
        with leftovers.folder(above / folder.name):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
    return folder


def build(folder: Path, runtime: Path) -> dict[str, Part]:
    """Write a site, and return its files by their paths.

    Args:
        folder: A folder that `check` has let pass.
        runtime: Folder of ONNX Runtime for browsers.

    Raises:
        ModelError: A file of the bundled model is missing.
        OutputError: The folder cannot be written.
    """
    needed = {name: parts.device_files(name, runtime) for name in DEVICES}
    sources = parts.page_files()
    del sources[parts.SERVER]
    for files in needed.values():
        sources |= files
    content = {path: _read(source) for path, source in sources.items()}
    content[parts.SETTINGS] = parts.settings()
    content[parts.ENGINES] = parts.engines(server=False, device=True)
    content[LIST] = _list(content)
    _write(folder, content)
    return {
        path: Part(
            len(data),
            len(gzip.compress(data, 9)),
            frozenset(name for name, files in needed.items() if path in files),
        )
        for path, data in content.items()
    }


def _list(content: Mapping[str, bytes]) -> bytes:
    """Return the script that tells the service worker the files and their digests.

    The service worker itself is not in it: browsers look for a newer one themselves.
    """
    files = {
        path: f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
        for path, data in sorted(content.items())
        if path != "sw.js"
    }
    digest = hashlib.sha256(json.dumps(files).encode() + content["sw.js"])
    site = {"version": digest.hexdigest()[:16], "files": files}
    return f"self.SITE = {json.dumps(site, indent=0)};\n".encode()


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        what = trouble(source) or error.strerror
        raise ModelError(f"{source} {what}: install lightstyle again") from error


def _write(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write all files beside the folder, and put them in its place.

    Raises:
        OutputError: The disk is full, or somebody else has written there meanwhile.
    """
    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with leftovers.folder(target) as draft:
            whole = draft / "site"
            for path, data in content.items():
                file = whole / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            if os.name == "nt" and is_folder(target):  # it replaces no folder
                target.rmdir()
            whole.rename(target)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
