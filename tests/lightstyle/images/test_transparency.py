from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.images.loading import load
from tests.support.picture_files import GREY, RGB


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
