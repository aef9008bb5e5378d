"""Finds the record in the file of a picture, as JSON values that nobody has checked."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..errors import ImageError
from ..images import metadata, picture_file
from ..settings.typed import loads

#: First bytes of every record, and how far into a PNG or JPEG file they may be.
_START: Final = b'{"lightstyle": "'
_HEAD: Final = 16_384


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the record in the picture file at `path`, as unchecked JSON values.

    Raises:
        ImageError: If it is not a picture, or holds no record.
    """
    found = find(path)
    if found is None:
        raise ImageError(
            f"{os.fspath(path)}: this picture holds no record of how it was made; "
            "give one that lightstyle wrote, not as BMP and without --metadata none"
        )
    return found


def find(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read the record in the picture file at `path`, or return None if it has none.

    Raises:
        ImageError: If it is not a picture.
    """
    name = os.fspath(path)
    for text in metadata.texts(picture_file.read(path, name), name):
        with suppress(ValueError):
            values = loads(text, len(text))
            if isinstance(values, dict) and isinstance(values.get("lightstyle"), str):
                return values
    return None


def is_at_start(path: Path) -> bool:
    """Whether a PNG or JPEG file has a record, as far as its first bytes tell."""
    with suppress(OSError), path.open("rb") as file:
        return _START in file.read(_HEAD)
    return False
