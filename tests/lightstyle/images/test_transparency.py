import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from lightstyle.images.loading import load
from tests.support.picture_files import GREY, RGB, encoded


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La", "RGBa"])
def test_alpha_is_set_aside(mode: str) -> None:
    rgba = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    rgba[:4, :, 3] = 0
    rgba[4:8, :, 3] = 128
    image = Image.fromarray(GREY).convert("P" if mode == "PA" else "L")
    image.putalpha(Image.fromarray(rgba[..., 3].copy()))
    if mode != "PA":
        image = image.convert("RGBA").convert(mode) if "R" in mode else image
        image = image.convert(mode)
    assert image.mode == mode
    picture = load(image)
    assert picture.alpha_hw is not None
    assert np.array_equal(picture.alpha_hw, rgba[..., 3])
    assert (picture.rgb_hwc[:4] == 255).all()
    tolerance = 1 if mode in ("La", "RGBa") else 0  # premultiplied: already rounded
    np.testing.assert_allclose(picture.rgb_hwc[4:], rgba[4:, :, :3], atol=tolerance)


@pytest.mark.parametrize(("mode", "key"), [("P", 0), ("L", 0), ("RGB", (0, 0, 0))])
def test_a_transparent_colour_becomes_alpha(
    tmp_path: Path, mode: str, key: object
) -> None:
    black_and_red = Image.new("RGB", (8, 8), "#000")
    black_and_red.paste("#f00", (0, 0, 4, 8))
    image = black_and_red.convert(mode)
    if mode == "P":
        image = black_and_red.quantize(2)
        key = image.getpixel((7, 0))
    path = tmp_path / "a.png"
    image.save(path, transparency=key)
    alpha = load(path).alpha_hw
    assert alpha is not None
    assert (alpha[:, :4] == 255).all()
    assert (alpha[:, 4:] == 0).all()


def test_hidden_colours_make_no_difference() -> None:
    first = np.dstack([RGB, np.where(GREY > 128, 255, 0).astype(np.uint8)])
    second = first.copy()
    second[first[..., 3] == 0, :3] = 77
    assert np.array_equal(load(first).rgb_hwc, load(second).rgb_hwc)


def test_opaque_alpha_is_dropped() -> None:
    assert load(Image.fromarray(RGB).convert("RGBA")).alpha_hw is None


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "GIF", "TIFF", "array", "image"])
def test_a_picture_that_is_transparent_all_over_is_noted(format_: str) -> None:
    image = Image.fromarray(np.dstack([RGB, np.zeros_like(GREY)]))
    source: Any = {"array": np.asarray(image), "image": image}.get(format_)
    picture = load(
        encoded(image, format_) if source is None else source, role="content"
    )
    assert picture.alpha_hw is not None
    assert len(picture.notes) == 1
    assert picture.notes[0].startswith("content ")
    assert "is transparent all over" in picture.notes[0]


def _bmp(alpha: int) -> bytes:
    """A BMP of 32 bits whose masks have one of alpha, as some programs write it."""
    rows = np.dstack([RGB[::-1, :, ::-1], np.full_like(GREY, alpha)]).tobytes()
    height, width = GREY.shape
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, 0, 0, 0, 0, 0)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header += masks + b"BGRs" + bytes(48)
    head = struct.pack("<IHHI", 122 + len(rows), 0, 0, 122)
    return b"BM" + head + header + rows


def test_alpha_that_a_format_only_fills_in_is_ignored() -> None:
    assert load(_bmp(99)).alpha_hw is not None
    file = io.BytesIO()
    rgbx = np.dstack([RGB, np.zeros_like(GREY)])
    tifffile.imwrite(file, rgbx, photometric="rgb", metadata=None)
    made = bytearray(file.getvalue())
    at = made.index(struct.pack("<HHI", 338, 3, 1))
    made[at : at + 2] = struct.pack("<H", 339)  # the sample format: whole numbers
    made[at + 8 : at + 10] = struct.pack("<H", 1)
    for data in (_bmp(0), bytes(made)):
        picture = load(data)
        assert picture.alpha_hw is None
        np.testing.assert_array_equal(picture.rgb_hwc, RGB)
        assert picture.notes == ()
