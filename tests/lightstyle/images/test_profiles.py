from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from lightstyle.images import encoding
from lightstyle.images.loading import load
from tests.support.picture_files import GREY, RGB


def _swapped_profile() -> bytes:
    """An RGB profile whose red primary is that of sRGB's green, and vice versa."""
    profile = bytearray(encoding.srgb_profile())
    count = int.from_bytes(profile[128:132], "big")
    entries = {
        bytes(profile[132 + 12 * i : 136 + 12 * i]): 136 + 12 * i for i in range(count)
    }
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    first, second = profile[red : red + 8], profile[green : green + 8]
    profile[red : red + 8], profile[green : green + 8] = second, first
    return bytes(profile)


def test_an_embedded_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGB", (4, 4), (200, 30, 30))
    image.save(path, icc_profile=_swapped_profile())
    np.testing.assert_allclose(load(path).rgb_hwc[0, 0], [30, 200, 30], atol=2)


def test_the_profile_that_is_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path, icc_profile=encoding.srgb_profile())
    picture = load(path)
    assert np.array_equal(picture.rgb_hwc, RGB)
    assert picture.notes == ()


def test_a_profile_and_alpha_go_together(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGBA", (4, 4), (200, 30, 30, 99))
    image.save(path, icc_profile=_swapped_profile())
    picture = load(path)
    np.testing.assert_allclose(picture.rgb_hwc[0, 0], [30, 200, 30], atol=2)
    assert picture.alpha_hw is not None
    assert (picture.alpha_hw == 99).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "I;16", "LA"])
@pytest.mark.parametrize("kind", ["garbage", "truncated", "wrong space"])
def test_a_broken_profile_is_noted_and_taken_as_srgb(mode: str, kind: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profiles = {
        "garbage": b"no profile at all",
        "truncated": encoding.srgb_profile()[:200],
        "wrong space": lab,
    }
    image = Image.fromarray(RGB)
    if mode == "I;16":
        image = Image.fromarray(GREY.astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    plain = load(image).rgb_hwc
    image.info["icc_profile"] = profiles[kind]
    picture = load(image)
    np.testing.assert_allclose(picture.rgb_hwc, plain, atol=1e-3)
    assert picture.notes[0] == "unusable colour profile: colours taken as sRGB"
