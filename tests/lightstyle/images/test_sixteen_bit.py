import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle.images import sixteen_bit
from lightstyle.images.encoding import srgb_profile

_SHAPES = [(1, 1, 3), (1, 1, 4), (5, 3, 3), (40, 33, 4), (900, 301, 3)]


def _pixels(shape: tuple[int, int, int]) -> NDArray[np.uint16]:
    """A gradient, flat parts and noise: every branch of the predictors."""
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 65536, shape)
    ramp = np.linspace(0, 65535, shape[0] * shape[1]).reshape(*shape[:2], 1)
    choice = rng.integers(0, 3, shape)
    return np.choose(choice, [noise, ramp.astype(int), 65535]).astype(np.uint16)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position = 8
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + body)
        yield kind, body
        position += 12 + length


def _decoded_png(data: bytes) -> NDArray[np.uint16]:
    """Decode byte by byte, as the PNG standard words it."""
    chunks = list(_chunks(data))
    header = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    width, height, depth, colour_type = header[:4]
    assert depth == 16
    step = {2: 6, 6: 8}[colour_type]
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    above, rows = bytearray(width * step), b""
    for y in range(height):
        line = raw[y * (1 + width * step) : (y + 1) * (1 + width * step)]
        assert line[0] == 4
        row = bytearray(line[1:])
        for x in range(len(row)):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            estimate = left + above[x] - corner
            nearest = min((left, above[x], corner), key=lambda b: abs(estimate - b))
            row[x] = (row[x] + nearest) % 256
        rows += row
        above = row
    return np.frombuffer(rows, ">u2").reshape(height, width, -1).astype(np.uint16)


@pytest.mark.parametrize("shape", _SHAPES[:4])
def test_png_is_lossless(shape: tuple[int, int, int]) -> None:
    pixels = _pixels(shape)
    data = sixteen_bit.encode_png(pixels, srgb_profile())
    assert np.array_equal(_decoded_png(data), pixels)


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_pillow_reads_the_upper_bytes_and_the_profile(
    format_: str, shape: tuple[int, int, int]
) -> None:
    pixels = _pixels(shape)
    encode = {"PNG": sixteen_bit.encode_png, "TIFF": sixteen_bit.encode_tiff}[format_]
    data = encode(pixels, srgb_profile())
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == format_
        assert image.mode == ("RGB" if shape[2] == 3 else "RGBA")
        assert image.info["icc_profile"] == srgb_profile()
        assert np.array_equal(np.asarray(image), pixels >> 8)


@pytest.mark.parametrize("shape", _SHAPES)
def test_tiff_is_lossless(shape: tuple[int, int, int]) -> None:
    pixels = _pixels(shape)
    data = sixteen_bit.encode_tiff(pixels, srgb_profile())
    with Image.open(io.BytesIO(data)) as image:
        tags: dict[int, Any] = dict(image.getexif())
    strips = zip(_several(tags[273]), _several(tags[279]), strict=True)
    raw = b"".join(zlib.decompress(data[at : at + size]) for at, size in strips)
    differences = np.frombuffer(raw, "<u2").reshape(shape)
    assert np.array_equal(np.cumsum(differences, axis=1, dtype=np.uint16), pixels)
    assert _several(tags[258]) == (16,) * shape[2]
    assert tags.get(338) == (None if shape[2] == 3 else 2)  # alpha, straight


def _several(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def test_large_pictures_are_written_in_bands() -> None:
    pixels = _pixels((900, 301, 3))
    kinds = [kind for kind, _ in _chunks(sixteen_bit.encode_png(pixels, b"profile"))]
    assert kinds[:2] == [b"IHDR", b"iCCP"]
    assert kinds[2:-1] == [b"IDAT"] * (len(kinds) - 3)
    assert len(kinds) > 4
    assert kinds[-1] == b"IEND"
