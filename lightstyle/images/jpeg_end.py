"""Completes a JPEG whose end marker is missing, if its pixels are all there.

Neither libjpeg nor Pillow says whether a file has all its pixels. So it is decoded
twice, with different bytes after its own: pixels that are all there do not depend on
them.
"""

import hashlib
import io
import re
from typing import Final

from PIL import Image

from ..contract import MINIMUM_SIDE
from . import decoding_memory
from .pillow_guard import refuse_oversize

START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"

#: A marker that ends the data of a scan: none of those that may be within it.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")

#: Bytes after the file's own, with whichever restart is next.
_TAILS: Final = tuple(
    b"".join(bits * 32 + bytes([0xFF, restart]) for restart in range(0xD0, 0xD8))
    for bits in (b"\0", b"\xaa")
)

#: Markers without a length, and the start of a scan.
_BARE: Final = (0x01, *range(0xD0, 0xD9))
_SCAN: Final = 0xDA

#: Frames of the kinds that Pillow decodes: sequential and progressive.
_FRAMES: Final = (0xC0, 0xC1, 0xC2)

_ROWS: Final = 256


def mended(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Complete a file that lacks its end marker only.

    Args:
        data: A file that starts with `START`, of unknown origin.

    Returns:
        The file, the same object if it needs nothing or is damaged, and a note if it
        was completed.
    """
    if data.endswith(_END):
        return data, ()
    end, is_complete = _last_scan(data)
    if end < len(data) or not is_complete:
        return data, ()
    begun = data.rstrip(_END[:1])
    try:
        if _depends_on_more(begun):
            return data, ()
    except Exception:  # Pillow will say why
        return data, ()
    return begun + _END, ("the end of the file is missing; the pixels are whole",)


def lacks_pixels(data: bytes) -> bool:
    """Whether the last scan of a file ends before the last pixel.

    Args:
        data: A file that Pillow decodes.
    """
    end, _ = _last_scan(data)
    return _depends_on_more(data[:end], draft=True)


def _depends_on_more(begun: bytes, *, draft: bool = False) -> bool:
    """Whether pixels depend on the bytes after the last scan."""
    return len({_digest(begun + tail + _END, draft) for tail in _TAILS}) > 1


def _last_scan(data: bytes) -> tuple[int, bool]:
    """Return where the last scan ends, and whether no further one is needed.

    The end is 0 if there is no scan, or the data end within a segment.
    """
    end = 0
    missing: set[tuple[int, int]] = set()  # component and coefficient
    at = len(START)
    while (marker := _MARKER.match(data, at)) is not None:
        kind, at = marker[1][0], marker.end()
        if kind in _BARE:
            continue
        if kind == _END[1]:
            break
        length = int.from_bytes(data[at : at + 2])
        segment = data[at + 2 : at + length]
        if length < 2 or len(segment) != length - 2:
            return 0, False
        at += length
        if kind in _FRAMES and len(segment) >= 6:
            components = segment[6 : 6 + 3 * segment[5] : 3]
            missing = {(each, n) for each in components for n in range(64)}
        elif kind == _SCAN and len(segment) >= 6:
            parts = segment[1 : 1 + 2 * segment[0] : 2]
            first, last, bits = segment[-3:]
            if not bits & 0x0F:  # down to the last bit
                missing -= {(each, n) for each in parts for n in range(first, last + 1)}
            after = _MARKER.search(data, at)
            at = end = len(data) if after is None else after.start()
    return end, not missing


def _digest(data: bytes, draft: bool) -> bytes:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        refuse_oversize(image.width * image.height, "")
        if draft:
            image.draft(None, (1, 1))
        decoding_memory.admit(image, MINIMUM_SIDE, 2, "")
        image.load()
        digest = hashlib.sha256()
        for top in range(0, image.height, _ROWS):
            below = min(top + _ROWS, image.height)
            digest.update(image.crop((0, top, image.width, below)).tobytes())
        return digest.digest()
