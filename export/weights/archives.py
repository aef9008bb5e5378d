"""Opens zip archives that may have been made to exhaust memory.

Python's zipfile loads the whole directory of an archive, and unpacks a member to the
end. Here the size of the directory is limited, and so is what is read of a member.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import WeightsError

_MAX_DIRECTORY: Final = 2**22


class _GuardedFile(io.FileIO):
    """Refuses large reads until it is marked as trusted."""

    trusted = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.trusted and size is not None and size > _MAX_DIRECTORY:
            raise WeightsError(
                f"its zip directory claims {size} bytes, expected at most "
                f"{_MAX_DIRECTORY}"
            )
        return super().read(size) or b""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose directory has a plausible size.

    Raises:
        WeightsError: The directory is larger than 4 MiB.
    """
    with _GuardedFile(path) as file, zipfile.ZipFile(file) as archive:
        file.trusted = True
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read a member of at most `limit` bytes, whatever size the archive claims.

    Raises:
        WeightsError: The member has more than `limit` bytes.
    """
    with archive.open(name) as member:
        data = member.read(limit + 1)
    if len(data) > limit:
        raise WeightsError(f"its member {name!r} is larger than {limit} bytes")
    return data
