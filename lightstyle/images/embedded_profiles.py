"""Finds ICC profiles that Pillow does not, in BMP, GIF and JPEG 2000."""

import struct
from collections.abc import Callable
from typing import Final

#: Where a BMP says of which kind its profile is, and that it is in the file.
_BMP_HEADER, _BMP_KIND, _IN_THE_FILE = 14, 70, b"DEBM"

_GIF_BLOCK: Final = b"\x21\xff\x0bICCRGBG1012"

#: Ways in which a JPEG 2000 names its colours: by a profile, restricted or any.
_BY_PROFILE: Final = (2, 3)


def find(format_: str | None, data: bytes) -> bytes | None:
    """Return the profile in a file; None if there is none, or Pillow finds it.

    Args:
        format_: Pillow's name of the format.
        data: The whole file, of unknown origin.
    """
    reader = _READERS.get(format_ or "")
    try:
        return (reader(data) if reader else None) or None
    except (struct.error, IndexError):
        return None


def _bmp(data: bytes) -> bytes | None:
    (size,) = struct.unpack_from("<I", data, _BMP_HEADER)
    if size < 124 or data[_BMP_KIND : _BMP_KIND + 4] != _IN_THE_FILE:
        return None
    start, length = struct.unpack_from("<2I", data, 126)
    return data[_BMP_HEADER + start : _BMP_HEADER + start + length]


def _gif(data: bytes) -> bytes | None:
    at = data.find(_GIF_BLOCK)
    if at < 0:
        return None
    at, parts = at + len(_GIF_BLOCK), []
    while length := data[at]:
        parts.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(parts)


def _jpeg_2000(data: bytes) -> bytes | None:
    at = data.find(b"colr", 0, max(0, data.find(b"jp2c")))
    if at < 0 or data[at + 4] not in _BY_PROFILE:
        return None
    (length,) = struct.unpack_from(">I", data, at - 4)
    return data[at + 7 : at - 4 + length]


_READERS: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "BMP": _bmp,
    "GIF": _gif,
    "JPEG2000": _jpeg_2000,
}
