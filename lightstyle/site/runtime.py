"""ONNX Runtime for browsers: which files of it are needed, and how npm gets them.

They are kept in the cache folder, below the digest of npm's lock file: another version
of Lightstyle that wants others has a folder of its own.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from .. import leftovers
from ..digest import sha256_of
from ..errors import DeviceError, NetworkError
from ..lookup import is_file
from ..model_folder import cache_folder
from ..text import printable
from ..zoo.cache_files import cache_errors
from ..zoo.fetch import OFFLINE_VARIABLE, forbids_network
from .devices import DEVICES
from .parts import PAGE

#: What npm reads.
_LISTS: Final = ("package.json", "package-lock.json")

#: Seconds that npm may take.
_PATIENCE: Final = 600


def cached() -> Path:
    """Return the folder where the files are, or would be."""
    return cache_folder() / f"onnxruntime-web-{sha256_of(PAGE / _LISTS[1])[:16]}"


def find() -> Path | None:
    """Return the folder of the files, None if they are not all there."""
    folder = cached()
    named = (n for device in DEVICES.values() for n in device.runtime.values())
    return folder if all(is_file(folder / name) for name in named) else None


def fetch() -> Path:
    """Have npm install the files, unless they are there; return their folder.

    Raises:
        DeviceError: There is no npm.
        NetworkError: The network is off, or npm did not get them.
        OutputError: The cache folder cannot be written.
    """
    if found := find():
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise DeviceError(
            "there is no npm, which installs ONNX Runtime for browsers: install "
            "Node.js, and run this again"
        )
    if forbids_network():
        raise NetworkError(
            f"ONNX Runtime for browsers is not in the cache folder, and "
            f"{OFFLINE_VARIABLE} is set: run this once with the network"
        )
    folder = cached()
    with cache_errors(folder), tempfile.TemporaryDirectory() as packages:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for name in _LISTS:
            shutil.copy(PAGE / name, packages)
        _install(npm, Path(packages))
        install(Path(packages) / "node_modules" / "onnxruntime-web" / "dist", folder)
    return folder


def install(dist: Path, folder: Path) -> None:
    """Copy the files of an installed package into a folder, all of them or none.

    Args:
        dist: Folder ``dist`` of the package.
        folder: Where they shall be.

    Raises:
        OSError: One is missing, or the folder cannot be written.
    """
    with leftovers.folder(folder) as draft:
        whole = draft / folder.name
        whole.mkdir()
        for device in DEVICES.values():
            for source, name in device.runtime.items():
                shutil.copyfile(dist / source, whole / name)
        shutil.rmtree(folder, ignore_errors=True)  # what somebody has deleted parts of
        whole.rename(folder)


def _install(npm: str, packages: Path) -> None:
    """Have npm install the packages of a lock file, without their scripts.

    Raises:
        NetworkError: It has not.
    """
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
    try:
        done = subprocess.run(
            [npm, "ci", *options],
            cwd=packages,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise NetworkError(
            f"npm has not installed ONNX Runtime for browsers in {_PATIENCE} s: try "
            "again with a better network"
        ) from error
    if done.returncode:
        raise NetworkError(
            f"npm could not install ONNX Runtime for browsers: {_reason(done.stderr)}; "
            "once it was installed, no network is needed"
        )


def _reason(said: str) -> str:
    """Return what npm says is wrong: the first line that is more than a code."""
    marks = ("npm error ", "npm ERR! ")
    lines = [line[len(m) :] for line in said.splitlines() for m in marks if m in line]
    codes = ("code ", "errno ", "syscall ")
    told = [line for line in lines if not line.startswith(codes)]
    reason = (told or lines or ["it does not say why"])[0].strip()
    return printable(reason.removeprefix("network "), 300)
