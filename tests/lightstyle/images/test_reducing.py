"""Very large pictures are read at a reduced scale, and look the same when resized."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import fitted_size, masks, reducing, resized
from lightstyle.images.loading import load
from tests.support.picture_files import encoded, exif, written

_SIZE = (612, 458)


def _photo(mode: str = "RGB") -> Image.Image:
    width, height = _SIZE
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 120 * np.sin(x / a + y / b) for a, b in ((9, 40), (31, 17), (70, 8))
    ]
    image = Image.fromarray(np.dstack(planes).astype(np.uint8))
    if mode in ("RGBA", "LA"):
        image = image.convert("LA" if mode == "LA" else "RGB")
        alpha = Image.fromarray((255 * (x > width / 3)).astype(np.uint8))
        image.putalpha(alpha)
    elif mode == "I;16":
        grey = np.asarray(image.convert("L"), np.uint16) * 257
        return Image.fromarray(grey)
    return image.convert(mode)


@pytest.fixture(autouse=True)
def _every_picture_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reducing, "WHOLE", 0)


_FILES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {"quality": 95}),
    "progressive JPEG": ("JPEG", "RGB", {"quality": 95, "progressive": True}),
    "grey JPEG": ("JPEG", "L", {"quality": 95}),
    "CMYK JPEG": ("JPEG", "CMYK", {"quality": 95}),
    "PNG": ("PNG", "RGB", {}),
    "PNG with alpha": ("PNG", "RGBA", {}),
    "grey PNG with alpha": ("PNG", "LA", {}),
    "palette PNG": ("PNG", "P", {}),
    "16-bit PNG": ("PNG", "I;16", {}),
    "TIFF": ("TIFF", "RGB", {}),
    "WebP": ("WEBP", "RGBA", {"lossless": True}),
}


@pytest.mark.parametrize("kind", _FILES)
def test_a_reduced_picture_looks_the_same_once_it_is_resized(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    format_, mode, options = _FILES[kind]
    data = encoded(_photo(mode), format_, **options)
    small = load(data, longest=60)
    assert 120 <= max(small.size) < 300
    assert small.original_size == _SIZE
    size = fitted_size(small.original_size, 60)
    whole = load(data)
    assert whole.size == _SIZE
    assert whole.original is None
    one, other = resized(small, size), resized(whole, size)
    off = np.abs(one.rgb_hwc - other.rgb_hwc)
    if other.alpha_hw is not None:
        assert one.alpha_hw is not None
        assert np.abs(one.alpha_hw - other.alpha_hw).mean() < 1.5
        off = off[other.alpha_hw > 200]
    assert off.mean() < 1.0
    assert np.percentile(off, 99) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF"])
def test_orientation_is_applied_to_what_is_left(format_: str, orientation: int) -> None:
    data = encoded(_photo(), format_, exif=exif(orientation))
    small, whole = load(data, longest=60), load(data)
    assert small.original_size == whole.size
    size = fitted_size(whole.size, 60)
    off = np.abs(resized(small, size).rgb_hwc - resized(whole, size).rgb_hwc)
    assert off.mean() < 1


def test_what_is_needed_in_full_is_read_as_it_is() -> None:
    data = encoded(_photo(), "JPEG")
    for longest in (None, 612, 200):
        assert np.array_equal(load(data, longest=longest).rgb_hwc, load(data).rgb_hwc)


def test_pictures_of_ordinary_size_are_read_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reducing, "WHOLE", 612 * 458)
    assert load(encoded(_photo(), "JPEG"), longest=40).size == _SIZE


def test_a_narrow_picture_stays_wide_enough_for_the_network() -> None:
    narrow = _photo().resize((2000, 140))
    picture = load(encoded(narrow, "JPEG"), longest=100)
    assert min(picture.size) >= 64


def test_a_pil_image_is_reduced_and_left_alone() -> None:
    image = _photo("RGBA")
    picture = load(image, longest=60)
    assert picture.original_size == image.size == _SIZE
    assert max(picture.size) < 300


def test_a_mask_fits_a_picture_that_was_reduced(tmp_path: Path) -> None:
    of = load(encoded(_photo(), "JPEG"), longest=60)
    white = Image.new("L", _SIZE, 255)
    white.paste(0, (0, 0, 306, 458))
    path = written(tmp_path / "mask.png", encoded(white, "PNG"))
    mask = masks.read(str(path), "mask", of)
    assert mask is not None
    assert max(mask.shape) < 612
    assert mask[:, : mask.shape[1] // 2 - 2].max() == 0
    assert mask[:, mask.shape[1] // 2 + 2 :].min() == 1


def test_damage_anywhere_is_found_in_a_draft_too() -> None:
    data = encoded(_photo(), "JPEG")
    with pytest.raises(ImageError, match="truncated"):
        load(data[: len(data) * 3 // 4], longest=60)
