"""Reads picture files and opens them with Pillow, without decoding their pixels."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import Image

from ..errors import ImageError
from ..lookup import usable
from . import decoding_memory, foreign, jpeg_end, jxl_header, png_chunks, tiff_grey
from .pillow_guard import FORMATS, guarded, refuse_oversize
from .png_chunks import Mended

#: Most bytes that a picture file may have.
MAXIMUM_BYTES: Final = 2_000_000_000


def read(source: str | os.PathLike[str], name: str) -> bytes:
    """Return all bytes of the file at the path `source`.

    The file is read at once, so that Pillow never holds it open.

    Args:
        source: Path of a regular file.
        name: What an error message calls it.

    Raises:
        UsageError: If no file can have that name.
        ImageError: If it is missing, not a file, unreadable or too large.
    """
    path = usable(source, name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{name}: this is {_kind(status.st_mode)}")
        if status.st_size > MAXIMUM_BYTES:
            raise ImageError(
                f"{name}: the file has {status.st_size / 1e9:.1f} GB, expected at most "
                f"{MAXIMUM_BYTES / 1e9:g} GB; make the picture smaller first"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{name}: there is no such file; check the path") from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name}: cannot be read: {reason}") from error


def _kind(mode: int) -> str:
    """Describe what is no regular file, and what to do."""
    if stat.S_ISDIR(mode):
        return "a folder; give the path of a picture"
    if stat.S_ISFIFO(mode):
        return "a pipe, which can be read only once; save it as a file first"
    return "not a regular file; give the path of a picture"


@contextmanager
def opened(
    data: bytes, name: str, notes: list[str] | None = None
) -> Iterator[Image.Image]:
    """Open the bytes of a file with Pillow, as a context, without decoding them.

    Args:
        data: The whole file.
        name: What an error message calls it.
        notes: Takes what was left out of the file or completed, to make it readable.

    Raises:
        ImageError: If they are not a picture, or anything fails inside the context.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty; choose a picture")
    with guarded(name):
        formats = _formats(data, name)
        if formats == (foreign.JXL.opener,):  # which opening decodes
            width, height = jxl_header.read(data).size
            refuse_oversize(width * height, name)
            decoding_memory.admit_opening(width * height, foreign.JXL.opener, name)
        mended = _mended(data)
        if notes is not None:
            notes += mended.notes
        with Image.open(io.BytesIO(mended.data), formats=formats) as image:
            if mended.profile is not None:
                image.info["icc_profile"] = mended.profile
            yield image


def _formats(data: bytes, name: str) -> tuple[str, ...]:
    """Return Pillow's names of the formats that the file may have.

    Raises:
        ImageError: If it has one that cannot be read here.
    """
    kind = foreign.recognised(data)
    if kind is None:
        Image.init()
        return tuple(known for known in FORMATS if known in Image.OPEN)
    if not kind.is_read:
        raise ImageError(f"{name}: {kind.problem}")
    try:
        foreign.set_up(kind)
    except ImportError as error:
        raise ImageError(
            f"{name}: the package {kind.package} cannot be used: {error}; {kind.advice}"
        ) from error
    return (kind.opener,)


def _mended(data: bytes) -> Mended:
    if data.startswith(png_chunks.SIGNATURE):
        return png_chunks.mended(data)
    if data.startswith(jpeg_end.START):
        return Mended(*jpeg_end.mended(data))
    return Mended(tiff_grey.mended(data))
