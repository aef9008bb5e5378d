"""Removes what a picture file says beside the picture, without touching the picture.

It knows the three formats of results, as this package writes them.
"""

import struct
from collections.abc import Iterator
from typing import Final

from . import jpeg_end, png_chunks

#: Texts, EXIF data, time and resolution.
_PNG_METADATA: Final = frozenset({b"iTXt", b"tEXt", b"zTXt", b"eXIf", b"tIME", b"pHYs"})

#: APP1 (EXIF, XMP), APP13 (IPTC) and comments of a JPEG.
_JPEG_METADATA: Final = frozenset({0xE1, 0xED, 0xFE})
_JPEG_PIXELS: Final = 0xDA

#: APP0 of a JPEG, where in it the resolution is, and what says that it is unknown.
_JFIF: Final = 0xE0
_RESOLUTION: Final = slice(11, 16)
_UNKNOWN: Final = b"\0\0\1\0\1"

_WEBP_METADATA: Final = frozenset({b"EXIF", b"XMP "})

#: Bits of a WebP's header that announce these.
_WEBP_FLAGS: Final = 0b1100


def bare(data: bytes) -> bytes:
    """Return a PNG, JPEG or WebP without its metadata; the ICC profile stays."""
    if data.startswith(png_chunks.SIGNATURE):
        return png_chunks.SIGNATURE + b"".join(_png(data))
    if data.startswith(jpeg_end.START):
        return jpeg_end.START + b"".join(_jpeg(data))
    chunks = b"".join(_webp(data))
    return struct.pack("<4sI4s", b"RIFF", len(chunks) + 4, b"WEBP") + chunks


def _png(data: bytes) -> Iterator[bytes]:
    at = len(png_chunks.SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + length + 12
        if kind not in _PNG_METADATA:
            yield data[at:end]
        at = end


def _jpeg(data: bytes) -> Iterator[bytes | bytearray]:
    at = len(jpeg_end.START)
    while (kind := data[at + 1]) != _JPEG_PIXELS:
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = bytearray(data[at : at + 2 + length])
        if kind == _JFIF:
            segment[_RESOLUTION] = _UNKNOWN
        if kind not in _JPEG_METADATA:
            yield segment
        at += 2 + length
    yield data[at:]


def _webp(data: bytes) -> Iterator[bytes]:
    at = 12
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        if kind == b"VP8X":
            flags = data[at + 8] & ~_WEBP_FLAGS
            yield data[at : at + 8] + bytes([flags]) + data[at + 9 : end]
        elif kind not in _WEBP_METADATA:
            yield data[at:end]
        at = end
