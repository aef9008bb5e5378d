"""Picture files, up to where their pixels begin: read whole, and opened by Pillow."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image

from ..errors import ImageError
from .pillow_guard import FORMATS, guarded

#: Most bytes that a picture file may have.
MAXIMUM_BYTES: Final = 2_000_000_000


def read(source: str | os.PathLike[str], name: str) -> bytes:
    """All bytes of the file at the path `source`.

    At once, so that no descriptor of ours is in Pillow's hands.

    Args:
        source: Of a regular file.
        name: What an error message calls it.

    Raises:
        ImageError: It is missing, no file, unreadable or too large.
    """
    try:
        path = Path(source)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a file"
            raise ImageError(f"{name}: this is {kind}; give the path of a picture")
        if status.st_size > MAXIMUM_BYTES:
            raise ImageError(
                f"{name}: the file has {status.st_size / 1e9:.1f} GB; the limit is "
                f"{MAXIMUM_BYTES / 1e9:g} GB; make the picture smaller first"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file; check the path") from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name}: cannot be read: {reason}") from error


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """Pillow's image of the bytes of a file, not decoded yet.

    Args:
        data: All of the file.
        name: What an error message calls it.

    Raises:
        ImageError: They are no picture; or whatever goes wrong with it inside.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty; choose a picture")
    with guarded(name):
        Image.init()
        formats = tuple(known for known in FORMATS if known in Image.OPEN)
        with Image.open(io.BytesIO(data), formats=formats) as image:
            yield image
