"""Restricts what Pillow reads, and turns its failures into `ImageError`.

Pillow reports damage with a dozen kinds of exception, and odd metadata with warnings;
its C libraries print. Inside `guarded` the first become one `ImageError` and the others
are ignored, without changing the state of Pillow or of Python for other threads.
"""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, cast

from PIL import Image, UnidentifiedImageError

from ..contract import MINIMUM_SIDE
from ..errors import ImageError, LightstyleError
from ..library_output import held_back
from ..text import printable

#: Maximum number of pixels; a larger picture is refused before it is decoded.
MAXIMUM_PIXELS: Final = 150_000_000

#: Formats that are read, by Pillow's names. Others are left out on purpose: EPS, for
#: example, would start another program on the file.
FORMATS: Final = (
    *("PNG", "JPEG", "MPO", "WEBP", "TIFF"),
    *("GIF", "BMP", "PPM", "JPEG2000", "AVIF"),
)

#: How many times the shorter side the longer one may be.
NARROWEST: Final = 1000

#: Most characters of Pillow's reasons, some of which hold every value of a field.
_LONGEST: Final = 160


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Run code that calls Pillow on an untrusted picture.

    Args:
        name: What an error message calls the picture.

    Raises:
        ImageError: For any exception inside, except our own errors and those that stop
            the program.
    """
    with _quiet(), held_back():
        try:
            yield
        except LightstyleError:
            raise
        except Exception as error:
            raise _image_error(error, name) from error


def refuse_oversize(pixels: int, name: str) -> None:
    """Raise an `ImageError` if a picture has too many pixels to be decoded."""
    if pixels > MAXIMUM_PIXELS:
        raise ImageError(
            f"{name}: {pixels / 1e6:,.1f} megapixels, expected at most "
            f"{MAXIMUM_PIXELS / 1e6:g} megapixels; make the picture smaller first"
        )


def refuse_narrow(width: int, height: int, name: str) -> None:
    """Raise an `ImageError` if one side of a picture is that of a line.

    A file of a few bytes may have millions of columns, of which a style, whose shorter
    side must not be below the minimum, would keep most.
    """
    longer, shorter = max(width, height), min(width, height)
    if longer > NARROWEST * max(shorter, MINIMUM_SIDE):
        raise ImageError(
            f"{name}: {width}×{height} pixels, expected one side to be at most "
            f"{NARROWEST} times the other; crop the picture first"
        )


def _image_error(error: Exception, name: str) -> ImageError:
    reason = printable(" ".join(str(error).split()), _LONGEST) or type(error).__name__
    if isinstance(error, Image.DecompressionBombError):
        # Pillow has its own limit, which an application may have changed.
        if pixels := re.search(r"\((\d+) pixels\)", reason):
            refuse_oversize(int(pixels[1]), name)
        return ImageError(f"{name}: too large: {reason}")
    if isinstance(error, UnidentifiedImageError):
        return ImageError(
            f"{name}: not a picture, or damaged, or of an unknown format; "
            f"expected one of {', '.join(FORMATS)}"
        )
    if isinstance(error, MemoryError):
        return ImageError(
            f"{name}: out of memory while decoding it; make the picture smaller first"
        )
    return ImageError(f"{name}: cannot be decoded: {reason}; the file may be damaged")


class _WhileDecoding(threading.local):
    """Acts as the pattern of a warnings filter that matches in decoding threads only.

    `warnings.catch_warnings` swaps the filters of the whole process: other threads
    would lose their warnings, or be left with our filters. This one is inert elsewhere,
    even if a `catch_warnings` of another thread keeps it in the list by accident.
    """

    decoding = False

    def match(self, text: str) -> bool:
        del text
        return self.decoding


_WHILE_DECODING: Final = _WhileDecoding()
_FILTER: Final = ("ignore", _WHILE_DECODING, Warning, None, 0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore all warnings, in this thread, also within another such context."""
    cast("list[object]", warnings.filters).insert(0, _FILTER)
    outside, _WHILE_DECODING.decoding = _WHILE_DECODING.decoding, True
    try:
        yield
    finally:
        _WHILE_DECODING.decoding = outside
        with suppress(ValueError):
            cast("list[object]", warnings.filters).remove(_FILTER)
