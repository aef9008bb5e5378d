"""Files: checked before the work, written whole or not at all after it."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lightstyle.errors import OutputError


def check_writable(path: Path, *, inputs: Sequence[Path], overwrite: bool) -> None:
    """Find out before the work whether a file can be written after it.

    Args:
        path: Where the file is to go.
        inputs: Files that must not be written over, whatever `overwrite` says.
        overwrite: Whether `path` may be an existing file.

    Raises:
        OutputError: The file exists, is an input, or could not be written.
    """
    try:
        _check_target(path, inputs, overwrite)
        _try_folder(path)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that `path` is, at any moment, the old file or the new one.

    A symbolic link stays one: the file that it points to is replaced. A new file has
    the permissions that the umask gives, a replaced one keeps its own.

    Args:
        path: The file; its folder must exist.
        data: All of its content.

    Raises:
        OutputError: It could not be written; whatever was there is untouched.
    """
    try:
        target = Path(os.path.realpath(path))
        temporary = _temporary_beside(target)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
        finally:  # also when interrupted; after the replacement there is no such file
            with suppress(OSError):
                temporary.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def _check_target(path: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        raise OutputError(f"cannot write {path}: it is a directory; add a file name")
    if any(_is_file(source, status) for source in inputs):
        raise OutputError(f"cannot write {path}: it is an input; choose another name")
    if not overwrite:
        raise OutputError(
            f"cannot write {path}: it exists; choose another name, or allow overwriting"
        )
    if not stat.S_ISREG(status.st_mode):
        raise OutputError(f"cannot write {path}: not a file; choose another name")
    if not os.access(path, os.W_OK):
        raise OutputError(
            f"cannot write {path}: it is write-protected; choose another name"
        )


def _is_file(source: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(source.stat(), status)
    except OSError:
        return False


def _try_folder(path: Path) -> None:
    # Permission bits do not tell: only writing does (read-only mounts, quotas, ACLs).
    target = Path(os.path.realpath(path))
    if not target.parent.exists():
        raise OutputError(
            f"cannot write {path}: there is no folder {target.parent}; create it first"
        )
    probe = _temporary_beside(target)
    try:
        probe.open("xb").close()
    finally:
        with suppress(OSError):
            probe.unlink()


def _temporary_beside(target: Path) -> Path:
    # Not from `tempfile`, whose files nobody but their owner may read.
    return target.parent / f".lightstyle-{secrets.token_hex(8)}.tmp"


def _unwritable(path: Path, error: OSError | ValueError) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"cannot write {path}: {reason}; choose another place")
