"""Pictures that failed, as a list in a file, which a later batch takes in their place.

A JSON object on each line, in ASCII, so that names of any bytes survive: the picture,
the folder that it is mirrored from, the exit code of a run of it alone, and the reason.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import ExitCode, UsageError
from ..files import atomic_write, check_writable

#: Suffix of lists.
SUFFIX: Final = ".jsonl"


@dataclass(frozen=True)
class Failure:
    """A picture that failed, the folder that it is mirrored from, and why."""

    picture: Path
    root: Path
    code: ExitCode
    reason: str

    def __str__(self) -> str:
        """A line of a list."""
        values = {
            "picture": str(self.picture.absolute()),
            "root": str(self.root.absolute()),
            "code": int(self.code),
            "reason": self.reason,
        }
        return json.dumps(values)


def is_list(path: Path) -> bool:
    """Whether `path` is meant as a list."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def check(path: Path) -> None:
    """Refuse a `path` where no list can be written; an older list may be there.

    Raises:
        UsageError: Its suffix is another, or there is a file that is no list.
        OutputError: It cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"failures {path}: the suffix must be {SUFFIX}")
    if path.is_file():
        read(path)
    check_writable(path, inputs=(), overwrite=True)


def write(path: Path, failed: Iterable[Failure]) -> None:
    """Write the list, empty if nothing failed, in the place of an older one.

    Raises:
        OutputError: It cannot be written.
    """
    atomic_write(path, "".join(f"{each}\n" for each in failed).encode("ascii"))


def read(path: Path) -> list[tuple[Path, Path]]:
    """Each picture of a list, and the folder that it is mirrored from.

    Raises:
        UsageError: It cannot be read, or is no list.
    """
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in ASCII"
        raise UsageError(f"list {path} cannot be read: {reason}") from error
    return [_parsed(line, f"list {path}, line {n}") for n, line in enumerate(lines, 1)]


def _parsed(line: str, where: str) -> tuple[Path, Path]:
    try:
        values: Any = json.loads(line)
        picture, root = (
            Path(os.path.normpath(values[name])) for name in ("picture", "root")
        )
        picture.relative_to(root)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{where}: this is not of a list that --failures wrote; give one of those"
        ) from error
    return picture, root
