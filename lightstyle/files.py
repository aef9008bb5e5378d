"""Checks output files before the work, and writes them atomically after it."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from . import leftovers
from .errors import OutputError
from .lookup import usable


def check_writable(path: Path, *, inputs: Sequence[Path], overwrite: bool) -> None:
    """Check before the work that a file can be written after it.

    Args:
        path: The file.
        inputs: Files that must not be overwritten, even if `overwrite` is set.
        overwrite: Whether `path` may be an existing file.

    Raises:
        UsageError: If no file can have that name.
        OutputError: If the file exists, is an input, or cannot be written.
    """
    with _write_errors(path):
        path = usable(path, f"output {path}")
        if obstacle := _obstacle(path, inputs, overwrite):
            raise OutputError(f"cannot write {path}: {obstacle}")
        _try_folder(path)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing.

    Raises:
        OutputError: If it cannot be made, or a file is there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{folder}: this is a file; give a folder") from error
    except (OSError, RecursionError) as error:  # Python calls itself for each level
        reason = getattr(error, "strerror", None) or "its path is nested too deeply"
        raise OutputError(f"cannot create folder {folder}: {reason}") from error


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file atomically, as `Draft` does.

    Args:
        path: The file; its folder must exist.
        data: The whole content.

    Raises:
        OutputError: If it cannot be written; an old file is unchanged.
    """
    with Draft(path) as draft:
        draft.write(data)
        draft.publish()


def flush(path: Path) -> None:
    """Wait until a file, or the list of files in a folder, is on the disk.

    Raises:
        OSError: If the file system fails.
    """
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # which opens no folders
        return
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Draft:
    """Writes a file atomically: the old one stays until `publish`.

    If the path is a symbolic link, the file that it points to is replaced. A new file
    gets the permissions of the umask, a replaced one keeps its own. Used as a context
    manager, which discards the draft unless it was published.
    """

    def __init__(self, path: Path) -> None:
        """Create the draft beside `path`, whose folder must exist.

        Raises:
            OutputError: Here and in all methods, if the file system fails.
        """
        self._path = usable(path, f"output {path}")
        with _write_errors(self._path):
            self._target = Path(os.path.realpath(path))
            self._temporary, self._file = leftovers.create(self._target)

    def __enter__(self) -> Self:
        """Return the draft."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the draft unless it was published."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    def write(self, data: bytes, offset: int | None = None) -> None:
        """Write `data` after the last write, or at `offset`."""
        with _write_errors(self._path):
            if offset is not None:
                self._file.seek(offset)
            self._file.write(data)

    def publish(self) -> None:
        """Move the finished file to its path."""
        with _write_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            with suppress(FileNotFoundError):
                mode = stat.S_IMODE(self._target.stat().st_mode)
                self._temporary.chmod(mode)
            if os.name == "nt":  # elsewhere it is locked until it is in its place
                self._file.close()
            self._temporary.replace(self._target)
            self._file.close()


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Raise OutputError, which names `path`, if the file system fails."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = f"cannot write {path}: {reason}; choose another place"
        raise OutputError(problem) from error


def _obstacle(path: Path, inputs: Sequence[Path], overwrite: bool) -> str:
    """Return why a file must not be written and what to do; empty if it may be."""
    try:
        status = path.stat()
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent
        missing = f"there is no folder {folder}; create it first"
        return "" if folder.exists() else missing
    if stat.S_ISDIR(status.st_mode):
        return "it is a directory; add a file name"
    if any(_is_file(source, status) for source in inputs):
        return "it is an input file; choose another name"
    if not overwrite:
        return "it exists; choose another name, or use --overwrite"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file; choose another name"
    if not os.access(path, os.W_OK):
        return "it is write-protected; choose another name"
    return ""


def _is_file(source: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(source.stat(), status)
    except OSError:
        return False


def _try_folder(path: Path) -> None:
    # Only writing tells: permission bits say nothing of read-only mounts, quotas, ACLs.
    probe, file = leftovers.create(Path(os.path.realpath(path)))
    file.close()
    with suppress(OSError):
        probe.unlink()
