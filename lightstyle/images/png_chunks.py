"""Leaves chunks out of a PNG that nobody needs for its pixels and Pillow refuses.

Pillow gives up a picture for a wrong checksum or a short field anywhere in its
metadata, and for long texts. Viewers, and libpng, leave such chunks out. The chunks
with the pixels are never changed: if they are damaged, decoding fails as it should.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

#: Most bytes of one text, and of all together, when they are unpacked. Pillow refuses
#: more of one; our own record has at most 60,000.
_TEXT: Final = 1_000_000
_MOST_TEXT: Final = 16_000_000

#: Most bytes of a colour profile when it is unpacked; large ones hold tables.
_PROFILE: Final = 32_000_000

#: Least bytes in the chunks that Pillow refuses if they are shorter.
_LEAST: Final = {b"gAMA": 4, b"cHRM": 32, b"pHYs": 9, b"sRGB": 1} | {
    b"acTL": 8,
    b"fcTL": 26,
    b"fdAT": 4,
}

#: Least bytes of tRNS by the colour type in IHDR; a palette may have any number.
_TRANSPARENCY: Final = {0: 2, 2: 6, 3: 0}

#: What a chunk is for, as a note names it.
_NAMES: Final = {
    b"tEXt": "text",
    b"zTXt": "text",
    b"iTXt": "text",
    b"iCCP": "colour profile",
    b"gAMA": "gamma",
    b"cHRM": "primaries",
    b"sRGB": "rendering intent",
    b"pHYs": "resolution",
    b"tRNS": "transparency",
    b"eXIf": "EXIF data",
    b"acTL": "animation",
    b"fcTL": "animation",
    b"fdAT": "animation",
}
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_ANIMATION: Final = (b"acTL", b"fcTL", b"fdAT")

#: Keywords of texts that would take the place of a field in Pillow's `Image.info`.
_RESERVED: Final = (
    *("aspect", "bbox", "blend", "chromaticity", "default_image", "disposal", "dpi"),
    *("duration", "exif", "gamma", "icc_profile", "interlace", "loop", "srgb"),
    *("transparency", "xmp"),
)


#: Samples of a pixel by the colour type in IHDR, and its bytes' number of bits.
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

#: Most bytes that are unpacked at a time.
_BLOCK: Final = 1 << 20


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    content: memoryview
    checksum: bytes


class Mended(NamedTuple):
    """A file that Pillow can read.

    Attributes:
        data: The file without the chunks that were left out; the same object if none
            was.
        notes: What was left out.
        profile: The colour profile, if it is one that Pillow would not unpack.
    """

    data: bytes
    notes: tuple[str, ...] = ()
    profile: bytes | None = None


def mended(data: bytes) -> Mended:
    """Leave out of a PNG what can be spared and would keep Pillow from reading it.

    Args:
        data: A file that starts with `SIGNATURE`, of unknown origin.
    """
    reader = _Reader(data)
    chunks = [*reader.chunks()]
    bad = [(chunk, fault) for chunk in chunks if (fault := reader.fault(chunk))]
    notes = [f"{_name(chunk.kind)} left out: {fault}" for chunk, fault in bad]
    left = [chunk for chunk, _ in bad]
    if any(chunk.kind in _ANIMATION for chunk in left):
        left = [c for c in chunks if c in left or c.kind in _ANIMATION]
    if reader.profile is not None:
        left += [chunk for chunk in chunks if chunk.kind == b"iCCP"]
    if reader.is_cut:
        notes.append("the end of the file is missing; the pixels are whole")
    elif not left:
        return Mended(data)
    view = memoryview(data)[: reader.end]
    spans = _kept(sorted({(c.start, c.start + 12 + len(c.content)) for c in left}))
    kept = b"".join(view[start:stop] for start, stop in spans)
    return Mended(kept, tuple(dict.fromkeys(notes)), reader.profile)


def pixel_bytes(data: bytes) -> int:
    """Return how many bytes the pixels of a PNG have, unpacked; 0 if it is interlaced.

    Args:
        data: A file that Pillow opens.
    """
    start = data.index(b"IHDR") + 4
    width, height, bits, kind = struct.unpack_from(">IIBB", data, start)
    row = 1 + -(-width * bits * _SAMPLES[kind] // 8)
    return 0 if data[start + 12] else int(height * row)


def lacks_rows(data: bytes) -> bool:
    """Whether the pixels of a PNG end, without damage, before its last row.

    Args:
        data: A file that Pillow decodes.
    """
    left, unpacker = pixel_bytes(data), zlib.decompressobj()
    for chunk in _Reader(data).chunks():
        packed = chunk.content if chunk.kind == b"IDAT" else b""
        while packed and left > 0:
            left -= len(unpacker.decompress(packed, _BLOCK))
            packed = unpacker.unconsumed_tail
    return left > 0


def _name(kind: bytes) -> str:
    return _NAMES.get(kind) or f"chunk {kind.decode('ascii')}"


class _Reader:
    """Reads the chunks of a PNG and finds what is wrong with each.

    Attributes:
        end: Where the part ends that is worth reading.
        is_cut: Whether the file ends in a chunk after the pixels.
        profile: As `Mended.profile`.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._texts = 0
        self._header = bytes(13)
        self._next_frame = 0
        self.end = len(data)
        self.is_cut = False
        self.profile: bytes | None = None

    def chunks(self) -> Iterator[_Chunk]:
        """Yield the chunks up to the last one, or to where they stop making sense."""
        view, start, pixels = memoryview(self._data), len(SIGNATURE), False
        while start + 8 <= len(view):
            length, kind = struct.unpack_from(">I4s", view, start)
            stop = start + 12 + length
            if not kind.isalpha() or stop > len(view):
                break
            content = view[start + 8 : stop - 4]
            if kind == b"IHDR" and length >= 13:
                self._header = bytes(content[:13])
            pixels = pixels or kind == b"IDAT"
            yield _Chunk(kind, start, content, bytes(view[stop - 4 : stop]))
            if kind == b"IEND":
                return
            start = stop
        kind = bytes(view[start + 4 : start + 8])
        if pixels and kind != b"IDAT":
            self.end, self.is_cut = start, True

    def fault(self, chunk: _Chunk) -> str:
        """Return why Pillow would refuse the picture for `chunk`; empty if not."""
        kind, content = chunk.kind, chunk.content
        if not kind[0] & 0x20:  # needed for the pixels
            return ""
        if kind in _TEXTS and self._texts + len(content) > _MOST_TEXT:
            return "it is too long"
        if zlib.crc32(content, zlib.crc32(kind)).to_bytes(4) != chunk.checksum:
            return "its checksum is wrong"
        least = _LEAST.get(kind, 0)
        if kind == b"tRNS":
            least = _TRANSPARENCY.get(self._header[9], 0)
        if len(content) < least:
            return "it is too short"
        if kind in _TEXTS:
            return self._text_fault(kind, bytes(content))
        if kind == b"iCCP":
            return self._profile_fault(bytes(content))
        if kind in (b"fcTL", b"fdAT"):
            return self._frame_fault(kind, content)
        return ""

    def _text_fault(self, kind: bytes, content: bytes) -> str:
        keyword, _, rest = content.partition(b"\0")
        if keyword.decode("latin-1") in _RESERVED:
            return "its keyword is reserved"
        packed = kind == b"zTXt"
        if kind == b"iTXt" and len(rest) >= 2:
            packed = rest[0] != 0
            rest = rest[1:2] + rest[2:].split(b"\0", 2)[-1]
        text = rest
        if packed and rest:
            if rest[0]:
                return "it is damaged"
            text = _unpacked(rest[1:], _TEXT) or b""
        self._texts += len(text)
        if len(text) > _TEXT or self._texts > _MOST_TEXT:
            return "it is too long"
        return ""

    def _profile_fault(self, content: bytes) -> str:
        if not content:
            return "it is empty"
        _, _, rest = content.partition(b"\0")
        profile = _unpacked(rest[1:], _PROFILE) if rest[:1] == b"\0" else None
        if not profile:
            return "it is damaged"
        if len(profile) > _PROFILE:
            return "it is too long"
        if len(profile) > _TEXT:
            self.profile = profile
        return ""

    def _frame_fault(self, kind: bytes, content: memoryview) -> str:
        """Check the number of a frame, and that it lies within the picture."""
        number, self._next_frame = self._next_frame, self._next_frame + 1
        if int.from_bytes(content[:4]) != number:
            return "its frames are out of order"
        if kind == b"fcTL":
            width, height, left, top = struct.unpack_from(">4I", content, 4)
            across, down = struct.unpack_from(">2I", self._header)
            if left + width > across or top + height > down:
                return "a frame is larger than the picture"
        return ""


def _unpacked(packed: bytes, most: int) -> bytes | None:
    """Unpack a little more than `most` bytes; None if they are damaged."""
    try:
        return zlib.decompressobj().decompress(packed, most + 1)
    except zlib.error:
        return None


def _kept(left: list[tuple[int, int]]) -> Iterator[tuple[int, int | None]]:
    """Yield the parts of a file between those that are `left` out."""
    starts = [0, *(stop for _, stop in left)]
    stops = [*(start for start, _ in left), None]
    return zip(starts, stops, strict=True)
