"""PNGs whose pixels are whole are read, whatever is wrong with their metadata."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import encoding, metadata
from lightstyle.images.loading import load
from tests.support.picture_files import RGB, encoded

_PNG = encoded(Image.fromarray(RGB), "PNG")
_START = 33  # of the first chunk after IHDR
_END = len(_PNG) - 12  # of IEND


def _chunk(kind: bytes, content: bytes, error: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ error
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


def _with(*chunks: bytes, at: int = _START) -> bytes:
    return b"".join([_PNG[:at], *chunks, _PNG[at:]])


_PROFILE = b"sRGB\0\0" + zlib.compress(encoding.srgb_profile())
_PHYS = struct.pack(">IIB", 3000, 3000, 1)
_LONG = zlib.compress(bytes(3_000_000))
_CASES: dict[str, tuple[bytes, str]] = {
    "zTXt that unpacks to 3 MB": (_chunk(b"zTXt", b"a\0\0" + _LONG), "text"),
    "iTXt that unpacks to 3 MB": (
        _chunk(b"iTXt", b"a\0\1\0\0\0" + _LONG),
        "text left out: it is too long",
    ),
    "tEXt of 3 MB": (_chunk(b"tEXt", b"a\0" + bytes(3_000_000)), "text"),
    "zTXt of an unknown kind": (_chunk(b"zTXt", b"a\0\x07abc"), "text"),
    "text named as a field": (_chunk(b"tEXt", b"transparency\0no"), "text"),
    "empty iCCP": (_chunk(b"iCCP", b""), "colour profile left out: it is empty"),
    "iCCP without contents": (_chunk(b"iCCP", b"name\0"), "colour profile"),
    "iCCP that cannot be unpacked": (_chunk(b"iCCP", b"a\0\0abc"), "colour profile"),
    "short gAMA": (_chunk(b"gAMA", b"\0\0"), "gamma left out: it is too short"),
    "short cHRM": (_chunk(b"cHRM", bytes(8)), "primaries"),
    "short pHYs": (_chunk(b"pHYs", _PHYS[:5]), "resolution"),
    "empty sRGB": (_chunk(b"sRGB", b""), "rendering intent"),
    "short tRNS": (_chunk(b"tRNS", b"\0"), "transparency"),
    "short acTL": (_chunk(b"acTL", b"\0"), "animation"),
    "fcTL out of order": (
        _chunk(b"fcTL", bytes([0, 0, 0, 7, *bytes(22)])),
        "animation",
    ),
} | {
    f"wrong checksum in {kind.decode()}": (
        _chunk(kind, content, error=1),
        f"{noun} left out: its checksum is wrong",
    )
    for kind, content, noun in (
        (b"pHYs", _PHYS, "resolution"),
        (b"iCCP", _PROFILE, "colour profile"),
        (b"iTXt", b"a\0\0\0\0\0text", "text"),
        (b"tEXt", b"a\0text", "text"),
        (b"tIME", bytes(7), "chunk tIME"),
        (b"gAMA", struct.pack(">I", 45455), "gamma"),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0", "EXIF data"),
        (b"prVt", b"private", "chunk prVt"),
    )
}


@pytest.mark.parametrize("place", [_START, _END], ids=["before", "after"])
@pytest.mark.parametrize("case", _CASES)
def test_what_is_wrong_beside_the_pixels_is_left_out(case: str, place: int) -> None:
    chunk, note = _CASES[case]
    picture = load(_with(chunk, at=place))
    assert np.array_equal(picture.rgb_hwc, RGB)
    assert len(picture.notes) == 1
    assert note in picture.notes[0]


def test_seventy_megabytes_of_text_are_left_out() -> None:
    texts = [_chunk(b"tEXt", b"a\0" + b"t" * 900_000) for _ in range(78)]
    picture = load(_with(*texts))
    assert np.array_equal(picture.rgb_hwc, RGB)
    assert picture.notes == ("text left out: it is too long",)


def test_a_record_beside_damaged_text_is_found() -> None:
    record = _chunk(b"iTXt", metadata.KEYWORD.encode() + b"\0\0\0\0\0{}")
    data = _with(_CASES["zTXt that unpacks to 3 MB"][0], record)
    assert metadata.texts(data, "picture") == ["{}"]


def test_a_profile_above_one_megabyte_is_used() -> None:
    # Tags that nobody reads, after those of the profile.
    profile = encoding.srgb_profile()
    profile += os.urandom(1_100_000 - len(profile) // 4 * 4)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    data = _with(_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile, 1)))
    picture = load(data)
    assert picture.notes == ()
    assert np.abs(picture.rgb_hwc - RGB).max() <= 1


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"eXIf", b"tIME"])
def test_a_file_that_ends_in_a_chunk_after_the_pixels_is_read(kind: bytes) -> None:
    chunk = _chunk(kind, b"a\0" + bytes(100))
    picture = load(_PNG[:_END] + chunk[:50])
    assert np.array_equal(picture.rgb_hwc, RGB)
    assert picture.notes == ("the end of the file is missing; the pixels are whole",)


def test_a_whole_file_gives_no_note() -> None:
    chunks = [
        _chunk(b"pHYs", _PHYS),
        _chunk(b"tEXt", b"a\0b"),
        _chunk(b"tIME", bytes(7)),
    ]
    assert load(_with(*chunks)).notes == ()


def _damaged(kind: bytes) -> bytes:
    at = _PNG.index(kind)
    changed = bytearray(_PNG)
    changed[at + 12] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize(
    "data",
    [
        _damaged(b"IHDR"),
        _damaged(b"IDAT"),
        _PNG[: _END - 20],
        _PNG[: _PNG.index(b"IDAT") + 30] + _PNG[_END:],
        _with(_chunk(b"PLTE", bytes(3), error=1)),
    ],
    ids=["header", "pixels", "cut", "missing", "palette"],
)
def test_damaged_pixels_stay_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImageError, match="damaged"):
        load(data)
