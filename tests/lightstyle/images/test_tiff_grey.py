import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from lightstyle.images import decoding

GREY = np.random.default_rng(5).integers(0, 32768, (9, 21), dtype=np.uint16)
#: An entry of a directory with one number: a short one, padded, and a long one.
FORMS = ((">HHIHxx", 3), (">HHII", 4))
KINDS: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
    "8 bits": ((GREY >> 7).astype(np.uint8), (GREY >> 7) * 1.0),
    "16 bits": (GREY, GREY / 257),
    "16 bits, signed": (GREY.astype(np.int16), GREY / 257),
    "32 bits": (GREY.astype(np.uint32) * 131074, GREY / 257 * 2),
    "float": ((GREY / 65535).astype(np.float32), GREY / 257),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_tiffs_of_all_kinds_are_read_as_they_are_meant(
    kind: str, order: Any, compression: Any, photometric: Any
) -> None:
    samples, levels = KINDS[kind]
    file = io.BytesIO()
    tifffile.imwrite(
        file, samples, photometric=photometric, byteorder=order, compression=compression
    )
    expected = levels if photometric == "minisblack" else 255 - levels
    found = decoding.from_bytes(file.getvalue(), "picture").rgb_hwc
    np.testing.assert_allclose(found[..., 1], expected, atol=1e-3)


def test_16_bits_in_32_are_read_as_16() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, GREY.astype(np.uint32))
    found = decoding.from_bytes(file.getvalue(), "picture").rgb_hwc
    np.testing.assert_allclose(found[..., 1], GREY / 257, atol=1e-3)


def test_a_big_tiff_may_be_white_at_zero() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, photometric="miniswhite", bigtiff=True)
    found = decoding.from_bytes(file.getvalue(), "picture").rgb_hwc
    np.testing.assert_allclose(found[..., 1], 255 - GREY / 257, atol=1e-3)


@pytest.mark.parametrize("photometric", [0, 1])
def test_12_bits_fill_the_range(photometric: int) -> None:
    samples = np.arange(0, 4096, 16, dtype=np.uint16).reshape(8, 32)
    pairs = samples.reshape(-1, 2).astype(np.uint32)
    packed = (pairs[:, 0] << 12) | pairs[:, 1]
    data = b"".join(int(each).to_bytes(3, "big") for each in packed)
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros_like(samples), photometric="minisblack")
    made = bytearray(file.getvalue())
    with Image.open(file) as image:
        (start,) = image.tag_v2[273]  # type: ignore[attr-defined]
    made[start : start + len(data)] = data
    for tag, value in ((258, 12), (262, photometric)):
        at = made.index(struct.pack("<HHI", tag, 3, 1))
        made[at + 8 : at + 10] = value.to_bytes(2, "little")
    found = decoding.from_bytes(bytes(made), "picture").rgb_hwc[..., 0]
    expected = samples / 4095 * 255
    expected = 255 - expected if photometric == 0 else expected
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_white_at_zero_may_be_said_in_a_long_number() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, photometric="miniswhite", byteorder=">")
    data = file.getvalue()
    short, long = (struct.pack(form, 262, kind, 1, 0) for form, kind in FORMS)
    assert data.count(short) == 1
    found = decoding.from_bytes(data.replace(short, long), "picture").rgb_hwc
    np.testing.assert_allclose(found[..., 1], 255 - GREY / 257, atol=1e-3)
