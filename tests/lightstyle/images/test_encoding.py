from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle.arrays import Array
from lightstyle.errors import OutputError, UsageError
from lightstyle.files import atomic_write
from lightstyle.images import encoding
from lightstyle.images.encoding import check_format, encoded
from lightstyle.images.loading import load

_SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".PNG"]


def save(path: Path, rgb_hwc: Array, **options: Any) -> None:
    atomic_write(path, encoded(path, rgb_hwc, **options))


def _smooth(height: int = 40, width: int = 56) -> NDArray[np.float32]:
    y, x = np.mgrid[:height, :width]
    planes = [x * 255 / (width - 1), y * 255 / (height - 1), 128 + 0 * x]
    return np.stack(planes, axis=2).astype(np.float32)


# Formats


@pytest.mark.parametrize("suffix", _SUFFIXES)
def test_what_is_saved_can_be_loaded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, _smooth())
    tolerance = {".jpg": 4, ".jpeg": 4, ".webp": 8}.get(suffix, 0.5001)
    picture = load(path)
    assert np.abs(picture.rgb_hwc - _smooth()).max() <= tolerance
    assert picture.notes == ()


@pytest.mark.parametrize("suffix", _SUFFIXES)
def test_an_srgb_profile_is_embedded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, _smooth())
    with Image.open(path) as image:
        profile = image.info.get("icc_profile")
    assert profile == (None if suffix == ".bmp" else encoding.srgb_profile())


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    save(path, _smooth())
    with Image.open(path) as image:
        layers: Any = image.__getattribute__("layer")
    assert [layer[1:3] for layer in layers] == [(1, 1)] * 3


def test_levels_are_clipped_and_rounded_to_the_nearest(tmp_path: Path) -> None:
    levels = [-9.0, 0.4, 0.6, 99.49, 99.51, 254.6, 300.0, 1.0, 2.0]
    path = tmp_path / "a.png"
    save(path, np.array(levels, np.float32).reshape(1, 3, 3))
    expected = [0, 0, 1, 99, 100, 255, 255, 1, 2]
    assert load(path).rgb_hwc.ravel().tolist() == expected


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_put_back(tmp_path: Path, suffix: str) -> None:
    alpha = _smooth()[..., 0]
    path = tmp_path / f"a{suffix}"
    save(path, _smooth(), alpha_hw=alpha)
    picture = load(path)
    assert picture.alpha_hw is not None
    assert np.abs(picture.alpha_hw - alpha).max() <= 0.5001
    seen = picture.alpha_hw > 9
    tolerance = 12 if suffix == ".webp" else 0.5001
    assert np.abs(picture.rgb_hwc - _smooth())[seen].max() <= tolerance


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_without_alpha_the_picture_lies_over_white(tmp_path: Path, suffix: str) -> None:
    alpha = np.zeros((32, 64), np.float32)
    alpha[:, 16:32], alpha[:, 32:] = 127.5, 255
    path = tmp_path / f"a{suffix}"
    save(path, np.zeros((32, 64, 3), np.float32), alpha_hw=alpha)
    row = load(path).rgb_hwc[16, [8, 24, 48]]
    assert np.abs(row - np.array([[255], [127.5], [0]])).max() <= 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_are_kept_with_alpha_and_profile(
    tmp_path: Path, suffix: str, alpha: bool
) -> None:
    path = tmp_path / f"a{suffix}"
    levels = np.full((32, 32, 3), 100.75, np.float32)
    save(path, levels, alpha_hw=levels[..., 0] if alpha else None, bits=16)
    data = path.read_bytes()
    if suffix == ".png":
        assert data[24] == 16
    with Image.open(path) as image:  # which shows the upper bytes of each sample
        assert (np.asarray(image) == round(100.75 / 255 * 65535) >> 8).all()
        assert len(image.getbands()) == (4 if alpha else 3)
        assert image.info["icc_profile"] == encoding.srgb_profile()


@pytest.mark.parametrize(
    ("name", "bits", "problem"),
    [
        ("a.gif", 8, "suffix must be one of .png, .jpg"),
        ("a", 8, "suffix must be one of"),
        (".png", 8, "suffix must be one of"),
        ("a.jpg", 16, "JPEG has no 16 bits per channel; choose .png or .tif"),
        ("a.webp", 16, "WEBP has no 16"),
        ("a.png", 12, "12 bits per channel are not possible; choose 8 or 16"),
    ],
)
def test_formats_that_cannot_be_written_are_refused(
    tmp_path: Path, name: str, bits: int, problem: str
) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError, match=problem):
        check_format(path, bits)
    with pytest.raises(UsageError, match=problem):
        save(path, _smooth(), bits=bits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "width", "value", "problem"),
    [
        ("a.webp", 16_400, 0, "longer than 16383 pixels"),
        ("a.jpg", 65_600, 0, "longer than 65500 pixels"),
        ("a.png", 8, np.nan, "not finite"),
        ("a.tif", 8, np.inf, "not finite"),
    ],
)
def test_pictures_that_do_not_fit_the_format_are_refused(
    tmp_path: Path, name: str, width: int, value: float, problem: str
) -> None:
    with pytest.raises(OutputError, match=f"^cannot write .*{problem}.*$"):
        save(tmp_path / name, np.full((1, width, 3), value, np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_equal_pictures_give_equal_bytes(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, _smooth())
    first = (tmp_path / name).read_bytes()
    encoding.srgb_profile.cache_clear()
    save(tmp_path / name, _smooth())
    assert (tmp_path / name).read_bytes() == first
