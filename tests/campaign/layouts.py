"""Mutators that know how picture files are laid out: chunks, segments, directories.

Each keeps everything else whole, and fails in any way where a file is damaged already.
"""

import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Final

from .raw import Mutator, any_raw, digits, header, put_word

#: A chunk: its type and its contents.
Chunk = tuple[bytes, bytes]

_PNG: Final = b"\x89PNG\r\n\x1a\n"

#: Boxes of AVIF, HEIC and JPEG 2000 that hold boxes, and how many bytes precede those.
_BOXES: Final = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0, b"moov": 0, b"iinf": 6}

_BOMB: Final = zlib.compress(bytes(60_000_000), 9)

#: Chunks that are hostile, or that only look so.
_ODD_CHUNKS: Final[tuple[Chunk, ...]] = (
    (b"gAMA", struct.pack(">I", 0)),
    (b"gAMA", struct.pack(">I", 2**32 - 1)),
    (b"gAMA", b"\0"),
    (b"cHRM", bytes(32)),
    (b"cHRM", b"\xff" * 32),
    (b"cHRM", b"\0" * 5),
    (b"sRGB", b"\x09"),
    (b"tRNS", b"\0"),
    (b"tRNS", bytes(300)),
    (b"PLTE", bytes(4)),
    (b"PLTE", bytes(3 * 300)),
    (b"pHYs", b"\0" * 3),
    (b"pHYs", bytes(9)),
    (b"iCCP", b""),
    (b"iCCP", b"x\0\0" + _BOMB),
    (b"iCCP", b"x\0\0" + zlib.compress(b"junk" * 99)),
    (b"zTXt", b"lightstyle\0\0" + _BOMB),
    (b"iTXt", b"lightstyle\0\1\0\0\0" + _BOMB),
    (b"tEXt", b"Comment\0" + b"\x1b[31m" * 300_000),
    (b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"),
    (b"acTL", struct.pack(">II", 2**31, 0)),
    (b"fcTL", bytes(26)),
    (b"\x1b[2J", b"x"),
    (b"cICP", b"\xff\xff\xff\xff"),
)


def png_chunks(data: bytes) -> list[Chunk]:
    """Take a PNG apart."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def png_of(chunks: list[Chunk]) -> bytes:
    """Put a PNG together, with right lengths and CRCs."""
    pieces = [_PNG]
    for name, data in chunks:
        crc = zlib.crc32(name + data)
        pieces.append(struct.pack(">I", len(data)) + name + data)
        pieces.append(struct.pack(">I", crc))
    return b"".join(pieces)


def _png(random: Random, data: bytes) -> bytes:
    chunks = png_chunks(data)
    what = random.randrange(7)
    if what == 0:
        chunks.insert(random.randint(1, len(chunks) - 1), random.choice(_ODD_CHUNKS))
    elif what == 1:
        name, ihdr = chunks[0]
        chunks[0] = name, put_word(random, ihdr, random.choice((0, 4)), (4,))
    elif what == 2:
        name, ihdr = chunks[0]
        at = random.randint(8, 12)  # depth, colour type, method, filter, interlace
        odd = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 32, 255))
        chunks[0] = name, ihdr[:at] + bytes([odd]) + ihdr[at + 1 :]
    elif what == 3:
        index = [name for name, _ in chunks].index(b"IDAT")
        packed = b"".join(body for name, body in chunks if name == b"IDAT")
        pixels = any_raw(random, zlib.decompress(packed))
        chunks = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
        chunks.insert(index, (b"IDAT", zlib.compress(pixels)))
    elif what == 4 and b"iCCP" in (names := [name for name, _ in chunks]):
        index = names.index(b"iCCP")
        title, _, packed = chunks[index][1].partition(b"\0\0")
        profile = zlib.compress(any_raw(random, zlib.decompress(packed)))
        chunks[index] = b"iCCP", title + b"\0\0" + profile
    else:
        chunks = _shuffled(random, chunks)
    return png_of(chunks)


def _riff(random: Random, data: bytes) -> bytes:
    chunks, at = [], 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    body = b"".join(
        name + struct.pack("<I", len(c)) + c + bytes(len(c) % 2)
        for name, c in _shuffled(random, chunks)
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + data[8:12] + body


def _shuffled(random: Random, chunks: list[Chunk]) -> list[Chunk]:
    """Leave a chunk out, repeat, move, rename or mangle one."""
    index, other = random.randrange(len(chunks)), random.randrange(len(chunks))
    name, data = chunks[index]
    what = random.randrange(6)
    if what == 0:
        del chunks[index]
    elif what == 1:
        chunks.insert(other, chunks[index])
    elif what == 2:
        chunks[index], chunks[other] = chunks[other], chunks[index]
    elif what == 3:
        chunks[index] = chunks[other][0], data
    else:
        chunks[index] = name, _contents(random, data)
    return chunks


def _contents(random: Random, data: bytes) -> bytes:
    """Mangle what a chunk or a segment holds, EXIF data by their directory."""
    starts = [at for at in map(data[:16].find, (b"II*\0", b"MM\0*")) if at >= 0]
    if not starts or random.random() < 0.3:
        return any_raw(random, data)
    return data[: starts[0]] + _tiff(random, data[starts[0] :])


def _jpeg(random: Random, data: bytes) -> bytes:
    segments, at = [data[:2]], 2
    while data[at + 1] != 0xDA:  # start of scan
        length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        segments.append(data[at : at + length])
        at += length
    segments.append(data[at:])
    index = random.randrange(1, len(segments))
    segment = segments[index]
    what = random.randrange(6)
    if what == 0:
        del segments[index]
    elif what == 1:
        segments.insert(random.randrange(1, len(segments)), segment)
    elif what == 2:
        frames = [n for n, s in enumerate(segments) if s[1:2] in b"\xc0\xc1\xc2"]
        place = random.choice(frames)
        field = random.choice((4, 5, 7, 9, 11))  # depth, height, width, components
        segments[place] = put_word(random, segments[place], field, (1, 2))
    elif what == 3:
        kind = random.choice((0xC4, 0xDB, 0xDD, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDC))
        segments[index] = segment[:1] + bytes([kind]) + segment[2:]
    else:
        body = _contents(random, segment[4:])[:65_533]
        stated = struct.pack(">H", len(body) + 2) if what == 4 else segment[2:4]
        segments[index] = segment[:2] + stated + body
    return b"".join(segments)


def _tiff(random: Random, data: bytes) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    places = [start + 2 + 12 * n for n in range(count)]
    place = random.choice(places)
    tag, kind, number, value = struct.unpack_from(f"{order}HHII", data, place)
    what = random.randrange(6)
    if what == 0:
        kind = random.randrange(20)
    elif what == 1:
        number = random.choice((0, 1, 2, 3, 4, 100, 65_535, 2**24, 2**31, 2**32 - 1))
    elif what == 2:
        odd = (0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 32773, 50000, 2**31, 2**32 - 1)
        value = random.choice((*odd, start, len(data), len(data) - 4))
        if kind == 3 and order == ">":  # a short lies in the upper half
            value = value % 65_536 << 16
    elif what == 3:
        tag = random.choice(
            (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320)
        )
    elif what == 4:
        return data[:place] + _entry(data, random.choice(places)) + data[place + 12 :]
    else:
        end = start + 2 + 12 * count
        where = random.choice((0, start, 1, len(data) + 9, 2**32 - 1))
        return data[:end] + struct.pack(f"{order}I", where) + data[end + 4 :]
    entry = struct.pack(f"{order}HHII", tag, kind, number, value)
    return data[:place] + entry + data[place + 12 :]


def _entry(data: bytes, place: int) -> bytes:
    return data[place : place + 12]


def _boxes(random: Random, data: bytes) -> bytes:
    start, end = random.choice([*_found_boxes(data, 0, len(data))])
    what = random.randrange(5)
    if what == 0:
        return data[:start] + data[end:]
    if what == 1:
        return data[:end] + data[start:end] + data[end:]
    if what == 2:
        return put_word(random, data, start, (4,))
    return data[: start + 8] + any_raw(random, data[start + 8 : end]) + data[end:]


def _found_boxes(data: bytes, at: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, at)
        if not 8 <= length <= end - at:
            break
        found.append((at, at + length))
        if name in _BOXES:
            found += _found_boxes(data, at + 8 + _BOXES[name], at + length)
        at += length
    return found


def _text_header(random: Random, data: bytes) -> bytes:
    return digits(random, data[:40]) + data[40:]


_LAYOUTS: Final[tuple[tuple[Callable[[bytes], bool], Mutator], ...]] = (
    (lambda data: data.startswith(_PNG), _png),
    (lambda data: data.startswith(b"RIFF"), _riff),
    (lambda data: data.startswith(b"\xff\xd8"), _jpeg),
    (lambda data: data.startswith((b"II*\0", b"MM\0*")), _tiff),
    (lambda data: data[4:8] in (b"ftyp", b"jP  ", b"JXL "), _boxes),
    (lambda data: data[:1] == b"P", _text_header),
    (lambda data: True, header),
)


def structured(random: Random, data: bytes) -> bytes:
    """Mangle what the format of `data` knows of itself."""
    mutate = next(mutate for fits, mutate in _LAYOUTS if fits(data))
    return mutate(random, data)
