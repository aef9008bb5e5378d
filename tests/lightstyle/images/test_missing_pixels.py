"""Files that lack pixels are refused, and quickly, where a decoder would fill them."""

import itertools
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images.loading import load
from lightstyle.images.pillow_guard import MAXIMUM_PIXELS
from tests.support.picture_files import encoded, png

HEIGHT, WIDTH = 64, 48
LEVELS = np.random.default_rng(3).integers(20, 236, (HEIGHT, WIDTH, 3), np.uint8)
PICTURE = Image.fromarray(LEVELS)


def _tiff(parts: list[bytes], kept: slice, fields: dict[int, Any]) -> bytes:
    """A TIFF of the parts, of which those that are `kept` are named."""
    offsets = [8, *itertools.accumulate(map(len, parts[:-1]), initial=8)][1:]
    where, counts = (324, 325) if 322 in fields else (273, 279)
    fields = {
        256: WIDTH,
        257: HEIGHT,
        258: (8, 8, 8),
        259: 1,
        262: 2,
        277: 3,
        where: tuple(offsets[kept]),
        counts: tuple(map(len, parts[kept])),
        **fields,
    }
    body = b"".join(parts)
    out = b"II*\0" + struct.pack("<I", 8 + len(body)) + body
    out += struct.pack("<H", len(fields))
    extra_at, extra = len(out) + 12 * len(fields) + 4, b""
    for tag, value in sorted(fields.items()):
        values = value if isinstance(value, tuple) else (value,)
        data = struct.pack(f"<{len(values)}I", *values)
        if len(data) > 4:
            data, extra = struct.pack("<I", extra_at + len(extra)), extra + data
        out += struct.pack("<HHI", tag, 4, len(values)) + data
    return out + bytes(4) + extra


def _strips() -> list[bytes]:
    return [LEVELS[top : top + 16].tobytes() for top in range(0, HEIGHT, 16)]


def _tiles() -> list[bytes]:
    whole = np.pad(LEVELS, ((0, 0), (0, 16), (0, 0)))
    corners = itertools.product((0, 32), (0, 32))
    return [whole[y : y + 32, x : x + 32].tobytes() for y, x in corners]


def _planes() -> list[bytes]:
    return [LEVELS[..., n].tobytes() for n in range(3)]


TIFFS: dict[str, tuple[list[bytes], dict[int, Any]]] = {
    "strips": (_strips(), {278: 16}),
    "deflated": ([zlib.compress(each) for each in _strips()], {278: 16, 259: 8}),
    "tiles": (_tiles(), {322: 32, 323: 32}),
    "planes": (_planes(), {278: HEIGHT, 284: 2}),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_parts_of_a_tiff_that_nothing_names(kind: str) -> None:
    parts, fields = TIFFS[kind]
    assert np.array_equal(load(_tiff(parts, slice(None), fields)).rgb_hwc, LEVELS)
    for kept in (slice(-1), slice(1)):
        with pytest.raises(ImageError, match="pixels are missing"):
            load(_tiff(parts, kept, fields))


@pytest.mark.parametrize("at", [0, 10**6])
@pytest.mark.parametrize("kind", TIFFS)
def test_parts_of_a_tiff_that_are_nowhere(kind: str, at: int) -> None:
    parts, fields = TIFFS[kind]
    where = 324 if 322 in fields else 273
    offsets = (*range(8, 8 + len(parts) - 1), at)
    with pytest.raises(ImageError, match="pixels are missing"):
        load(_tiff(parts, slice(None), {**fields, where: offsets}))


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_deflate"]
)
def test_a_flat_tiff_is_whole_however_short(compression: str) -> None:
    for mode in ("1", "L", "RGB"):
        flat = Image.new(mode, (1000, 1000), 1)
        strip = {278: 1000}
        data = encoded(flat, "TIFF", compression=compression, tiffinfo=strip)
        assert load(data).size == (1000, 1000)


def test_parts_of_a_tiff_that_pillow_does_not_read() -> None:
    pytest.importorskip("tifffile")
    strips = [part.astype("<f8").tobytes() for part in np.split(LEVELS / 255, 4)]
    fields = {258: (64,) * 3, 339: (3,) * 3, 278: 16}
    assert load(_tiff(strips, slice(None), fields)).size == (WIDTH, HEIGHT)
    with pytest.raises(ImageError, match="pixels are missing"):
        load(_tiff(strips, slice(-1), fields))


@pytest.mark.parametrize("bits", [np.uint8, np.uint16])
def test_rows_that_a_png_lacks_without_damage(bits: type) -> None:
    samples: Any = np.vstack([LEVELS.astype(bits), 0 * LEVELS[:9].astype(bits)])
    whole = png(samples)
    assert load(whole).size == (WIDTH, HEIGHT + 9)  # black rows that are there
    taller = struct.pack(">II", WIDTH, HEIGHT + 10)
    header = b"IHDR" + taller + whole[24:29]
    short = whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    with pytest.raises(ImageError, match="pixels are missing"):
        load(short)


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 2}, {"quality": 5}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_that_ends_before_its_last_pixel(mode: str, options: Any) -> None:
    whole = encoded(PICTURE.convert(mode), "JPEG", **options)
    assert load(whole).size == (WIDTH, HEIGHT)
    assert load(whole + b"a trailer of the camera").size == (WIDTH, HEIGHT)
    pixels = whole.rindex(b"\xff\xda") + 14
    cut = pixels + (len(whole) - pixels) // 2
    for trailer in (b"", b"a trailer of the camera", whole):
        with pytest.raises(ImageError, match="pixels are missing"):
            load(whole[:cut] + b"\xff\xd9" + trailer)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 1}])
def test_jpegs_that_are_flat_are_whole(options: Any) -> None:
    for size in ((512, 512), (9, 17), (1, 1)):
        white = encoded(Image.new("RGB", size, "white"), "JPEG", **options)
        assert load(white).size == size


def test_tiles_that_a_jpeg_2000_lacks() -> None:
    whole = encoded(PICTURE, "JPEG2000", tile_size=(32, 32))
    assert load(whole).size == (WIDTH, HEIGHT)
    begin = whole.rindex(b"\xff\x90\0\x0a")
    with pytest.raises(ImageError, match="pixels are missing"):
        load(whole[:begin] + whole[-2:])


def _claims(width: int, height: int) -> dict[str, bytes]:
    """Small files that claim to be large."""
    bmp = bytearray(encoded(PICTURE, "BMP"))
    struct.pack_into("<ii", bmp, 18, width, height)
    jpeg = bytearray(encoded(PICTURE, "JPEG"))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, height, width)
    progressive = bytearray(encoded(PICTURE, "JPEG", progressive=True))
    at = progressive.index(b"\xff\xc2") + 5
    struct.pack_into(">HH", progressive, at, height, width)
    small = png(np.zeros((4, 4, 3), np.uint8))
    header = b"IHDR" + struct.pack(">II", width, height) + small[24:29]
    checksum = struct.pack(">I", zlib.crc32(header))
    head = f"{width} {height}".encode()
    pam = f"WIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nENDHDR\n".encode()
    return {
        "strips": _tiff(_strips(), slice(None), {278: 16, 256: width, 257: height}),
        "deflated": _tiff(
            [zlib.compress(_strips()[0])],
            slice(None),
            {256: width, 257: height, 278: 1, 259: 8},
        ),
        **{
            f"one strip, {compression}": _tiff(
                [zlib.compress(_strips()[0])],
                slice(None),
                {256: width, 257: height, 259: compression},
            )
            for compression in (5, 8, 32946, 32773)
        },
        "BMP": bytes(bmp),
        "JPEG": bytes(jpeg),
        "progressive": bytes(progressive),
        "PNG": small[:12] + header + checksum + small[33:],
        "PPM": b"P6 " + head + b" 255\n" + bytes(1000),
        "deep PPM": b"P6 " + head + b" 65535\n" + bytes(1000),
        "plain PPM": b"P3 " + head + b" 255\n" + b"1 2 3 " * 100,
        "PBM": b"P4 " + head + b"\n" + bytes(1000),
        "PFM": b"PF\n" + head + b"\n-1.0\n" + bytes(1000),
        "grey PFM": b"Pf\n" + head + b"\n-1.0\n" + bytes(1000),
        "PAM": b"P7\n" + pam + bytes(1000),
        "GIF": _gif(width, height),
    }


def _gif(width: int, height: int) -> bytes:
    whole = bytearray(encoded(PICTURE, "GIF"))
    frame = whole.index(struct.pack("<HHHH", 0, 0, WIDTH, HEIGHT))
    struct.pack_into("<HH", whole, 6, width, height)
    struct.pack_into("<HH", whole, frame + 4, width, height)
    return bytes(whole)


@pytest.mark.parametrize("kind", _claims(1, 1))
def test_small_files_that_claim_to_be_large_take_nothing(kind: str) -> None:
    resource = pytest.importorskip("resource")
    side = int(MAXIMUM_PIXELS**0.5)
    data = _claims(side, side)[kind]
    before = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(ImageError, match=r"damaged|missing"):
        load(data)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime - before.ru_utime < 1
    assert after.ru_maxrss - before.ru_maxrss < 100_000  # kB
