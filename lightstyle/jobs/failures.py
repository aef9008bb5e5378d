"""The failures list: a file of the pictures that failed, which a later batch can take.

Each line is a JSON object in ASCII, so that names of any bytes survive: the picture,
its root (the folder that the output folder mirrors), the exit code that a run of it
alone would have, and the reason.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Final

from ..errors import ExitCode, UsageError
from ..files import atomic_write, check_writable
from ..lookup import is_file
from ..settings import typed
from ..settings.scalars import path, whole
from ..text import decoded, printable

#: Suffix of failures lists.
SUFFIX: Final = ".jsonl"

#: Most bytes of a list, of more than 100,000 pictures.
_MOST_BYTES: Final = 64 * 10**6

#: Most characters of a line.
_LONGEST_LINE: Final = 100_000


@dataclass(frozen=True)
class Failure:
    """A picture that failed.

    Attributes:
        picture: Path of the picture.
        root: Folder above it that the output folder mirrors.
        code: Exit code that a run of it alone would have.
        reason: Why it failed.
    """

    picture: Path
    root: Path
    code: ExitCode
    reason: str

    def __str__(self) -> str:
        """Write it as a line of a list."""
        values = {
            "picture": str(self.picture.absolute()),
            "root": str(self.root.absolute()),
            "code": int(self.code),
            "reason": printable(self.reason),
        }
        return json.dumps(values)


@dataclass(frozen=True)
class _Entry:
    """A line of a list."""

    picture: Annotated[str, path()]
    root: Annotated[str, path()]
    code: Annotated[int, whole(0, 255)]
    reason: str


def is_list(path: Path) -> bool:
    """Whether `path` is a file that its suffix declares to be a list."""
    return path.suffix.lower() == SUFFIX and is_file(path)


def check(path: Path) -> None:
    """Check that a list can be written to `path`, in place of an older list at most.

    Raises:
        UsageError: The suffix is wrong, or a file that is not a list is there.
        OutputError: The file cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"failures {path}: the suffix must be {SUFFIX}")
    if is_file(path):
        read(path)
    check_writable(path, inputs=(), overwrite=True)


def write(path: Path, failed: Iterable[Failure]) -> None:
    """Write a list, empty if nothing failed, in place of an older one.

    Raises:
        OutputError: The file cannot be written.
    """
    atomic_write(path, "".join(f"{each}\n" for each in failed).encode("ascii"))


def read(path: Path) -> list[tuple[Path, Path]]:
    """Read each picture of a list with its root.

    Raises:
        UsageError: The file cannot be read, or is not a failures list.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(
                f"list {path}: it has more than {_MOST_BYTES / 1e6:g} MB; give a file "
                "that --failures wrote"
            )
        lines = StringIO(decoded(data))  # a line at a time: millions take memory
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"list {path}: cannot be read: {reason}") from error
    return [
        _parsed(line, f"list {path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _parsed(line: str, where: str) -> tuple[Path, Path]:
    try:
        values = typed.loads(line, _LONGEST_LINE)
        entry: _Entry = typed.parse(_Entry, values, "it", {})
        picture, root = (Path(os.path.normpath(p)) for p in (entry.picture, entry.root))
        if root not in picture.parents:
            raise ValueError("its picture does not lie below its root")
    except ValueError as error:
        raise UsageError(
            f"{where}: not an entry of a failures list: {error}; give a file that "
            "--failures wrote"
        ) from error
    return picture, root
