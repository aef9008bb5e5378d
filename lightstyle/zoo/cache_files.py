"""Files of the cache folder: each is whole, or has another name until it is."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from ..model_folder import CACHE_VARIABLE, NOWHERE


def part_path(path: Path) -> Path:
    """Return the path of the unfinished download of `path`."""
    return path.with_name(f"{path.name}.part")


def version_path(part: Path) -> Path:
    """Return the path of what is known of the version of the unfinished file `part`."""
    return part.with_name(f"{part.name}.version")


def copy(source: Path, path: Path) -> None:
    """Copy the file at `source` to `path`, where nothing is until it is complete.

    Raises:
        OutputError: If the file cannot be written.
    """
    part = part_path(path)
    with cache_errors(part):
        shutil.copyfile(source, part)
    place(path)


def place(path: Path) -> None:
    """Rename the unfinished file of `path`, which is complete by now, to `path`.

    Raises:
        OutputError: If the file system fails.
    """
    part = part_path(path)
    with cache_errors(path):
        part.replace(path)
    remove(version_path(part))


def remove(path: Path) -> None:
    """Remove a file of the cache folder if it exists.

    Raises:
        OutputError: If the file system fails.
    """
    with cache_errors(path):
        path.unlink(missing_ok=True)


@contextmanager
def cache_errors(path: Path, verb: str = "write") -> Iterator[None]:
    """Raise OutputError, with what to do, if the file system fails.

    Args:
        path: The file of the cache folder that an error message names.
        verb: What cannot be done to it.
    """
    try:
        yield
    except OSError as error:
        advice = f"choose another cache folder with {CACHE_VARIABLE}"
        if path.is_relative_to(NOWHERE):
            raise OutputError(
                f"there is no home folder to keep {path.name} in; {advice}"
            ) from error
        raise OutputError(
            f"cannot {verb} {path}: {error.strerror}; {advice}"
        ) from error
