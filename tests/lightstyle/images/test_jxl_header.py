"""JPEG XL says its size and depth before it is decoded."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError, UsageError
from lightstyle.images import decoding_memory, jxl_header, picture_file
from lightstyle.images.decoding_memory import Room
from lightstyle.images.loading import load
from tests.support.picture_files import encoded

#: Pictures of 16×8 RGB pixels, with 10 and 16 bits per channel.
TEN = bytes.fromhex(
    "ff0ac15140d1220804010098004b18132f0707d37040f08118c6184c6b0cf615c63006f5020101b8"
    "7fdc15517dbe6ed1020703"
)
SIXTEEN = bytes.fromhex(
    "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c"
    "0a000000456a786c63ff0ac1f10350b40808040100bc004b18132f078700b301f05fc518fc2c8517"
    "c7c6181b83a331c6c6e0377b818000c23ebc05b4aa815f7e7eb2ec0ee20f"
)


def _box(kind: bytes, content: bytes, *, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _header(width: int, height: int) -> bytes:
    """The first bytes of a file of any size."""
    bits, at = 0, 1
    for side in (height, None, width):
        if side is None:  # no ratio
            at += 3
        else:
            bits |= 3 << at | (side - 1) << (at + 2)
            at += 32
    return jxl_header.CODESTREAM + (bits | 1 << at).to_bytes(12, "little")


@pytest.fixture
def _undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pillow_jxl")
    image = SimpleNamespace(open=lambda *_, **__: pytest.fail("it was opened"))
    monkeypatch.setattr(picture_file, "Image", image)


@pytest.mark.parametrize("use_container", [False, True])
@pytest.mark.parametrize(
    "size", [(8, 8), (256, 256), (264, 8), (1, 1), (17, 3), (640, 480), (3000, 20)]
)
def test_the_size_is_that_of_the_picture(
    size: tuple[int, int], use_container: bool
) -> None:
    pytest.importorskip("pillow_jxl")
    image = Image.new("RGB", size)
    data = encoded(image, "JXL", use_container=use_container, effort=1)
    assert jxl_header.read(data) == jxl_header.JxlHeader(size, 8)


@pytest.mark.parametrize(
    ("height", "ratio", "width"),
    [(100, 1, 100), (100, 2, 120), (99, 3, 132), (3, 4, 4), (9, 5, 16), (4, 6, 5)],
)
def test_a_width_may_follow_from_the_height(
    height: int, ratio: int, width: int
) -> None:
    bits = (height - 1) << 3 | ratio << 12 | 1 << 15
    data = jxl_header.CODESTREAM + bits.to_bytes(3, "little")
    assert jxl_header.read(data) == jxl_header.JxlHeader((width, height), 8)


def test_the_parts_of_a_container_are_joined() -> None:
    rest = TEN[2:]
    for long in (False, True):
        parts = [TEN[:3], rest[1:2], rest[2:]]
        boxes = [struct.pack(">I", n) + part for n, part in enumerate(parts)]
        data = jxl_header.CONTAINER + _box(b"free", b"x" * 99, long=long)
        data += b"".join(_box(b"jxlp", each, long=long) for each in boxes)
        assert jxl_header.read(data) == jxl_header.JxlHeader((16, 8), 10)


@pytest.mark.parametrize(
    "data",
    [
        jxl_header.CODESTREAM,
        TEN[:3],
        jxl_header.CONTAINER,
        jxl_header.CONTAINER + _box(b"jxlc", b"\xff\x0b" + bytes(40)),
        jxl_header.CONTAINER + bytes(7) + b"\x01jxlc" + bytes(7),
        jxl_header.CONTAINER + struct.pack(">I4sQ", 1, b"free", 0) * 9,
        jxl_header.CONTAINER + struct.pack(">I4s", 1, b"jxlc"),
        jxl_header.CONTAINER + struct.pack(">I4s", 4, b"jxlc"),
    ],
)
@pytest.mark.usefixtures("_undecoded")
def test_a_file_without_a_header_is_damaged(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"its header is .* damaged"):
        load(data)


@pytest.mark.usefixtures("_undecoded")
def test_what_is_too_large_is_refused_undecoded() -> None:
    with pytest.raises(ImageError, match=r"4,000\.0 megapixels, expected at most 150"):
        load(_header(80_000, 50_000))
    room = Room(lambda: 10**8, lambda: 10**12, 10**9)
    with (
        decoding_memory.within(room),
        pytest.raises(UsageError, match=r"144 megapixels: decoding it needs 1\.18 GB"),
    ):
        load(_header(12_000, 12_000))


def test_more_than_8_bits_of_colour_are_noted() -> None:
    pytest.importorskip("pillow_jxl")
    for data, bits in ((TEN, 10), (SIXTEEN, 16)):
        picture = load(data)
        assert picture.size == (16, 8)
        (note,) = picture.notes
        assert note.startswith(f"{bits} bits per channel, of which 8 are read")
    grey = Image.fromarray(np.full((9, 9), 5000, np.uint16))
    assert load(encoded(grey, "JXL", lossless=True)).notes == ()
    assert load(encoded(Image.new("RGB", (9, 9)), "JXL")).notes == ()
