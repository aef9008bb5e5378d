import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import decoding, encoding
from lightstyle.images.loading import load
from lightstyle.images.picture import Picture
from tests.support.picture_files import GREY, RGB, encoded, exif, written


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp", ".ppm", ".gif"])
def test_lossless_files_give_their_levels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    levels = RGB // 128 * 255 if suffix == ".gif" else RGB
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(levels).save(path, **options)
    picture = load(path)
    assert picture.rgb_hwc.dtype == np.float32
    assert np.array_equal(picture.rgb_hwc, levels)
    assert picture.alpha_hw is None
    assert picture.notes == ()


_GREY_KINDS: dict[str, tuple[Image.Image, NDArray[np.floating]]] = {
    "L": (Image.fromarray(GREY), GREY * 1.0),
    "1": (Image.fromarray(GREY > 99), (GREY > 99) * 255.0),
    "P": (Image.fromarray(GREY).convert("P"), GREY * 1.0),
    "I;16": (
        Image.fromarray(GREY.astype(np.uint16) * 256 + 37),
        (GREY * 256.0 + 37) / 257,
    ),
    "I": (Image.fromarray(GREY.astype(np.int32) * 257), GREY * 1.0),
    "F": (Image.fromarray(GREY / np.float32(255)), GREY * 1.0),
}


@pytest.mark.parametrize(
    ("mode", "format_"),
    [(mode, format_) for mode in _GREY_KINDS for format_ in ("TIFF", None)]
    + [(mode, "PNG") for mode in ("L", "1", "P", "I;16")],
)
def test_grey_of_any_depth_becomes_three_equal_channels(
    mode: str, format_: str | None, tmp_path: Path
) -> None:
    image, expected = _GREY_KINDS[mode]
    source: Path | Image.Image = image
    if format_ is not None:
        source = written(tmp_path / "a", encoded(image, format_))
    rgb = load(source).rgb_hwc
    for channel in range(3):
        assert np.abs(rgb[..., channel] - expected).max() < 1e-4


def test_deep_integers_beyond_16_bits_are_refused() -> None:
    with pytest.raises(ImageError, match="from 0 to 70000, expected 0 to 65535"):
        load(Image.fromarray(np.array([[0, 70000]], np.int32)))


def test_cmyk_is_converted_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path)
    picture = load(path)
    np.testing.assert_allclose(
        picture.rgb_hwc, np.broadcast_to([255, 0, 0], (16, 16, 3)), atol=3
    )
    assert picture.notes == ("CMYK without a usable profile: colours are approximate",)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken_and_said_so(format_: str) -> None:
    frames = [Image.new("RGB", (8, 8), c) for c in ("#f00", "#0f0", "#00f")]
    options: dict[str, Any] = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(
        frames[0], format_, save_all=True, append_images=frames[1:], **options
    )
    picture = decoding.from_bytes(data, "picture")
    assert picture.notes == ("first of 3 frames",)
    assert np.array_equal(picture.rgb_hwc[0, 0], [255, 0, 0])


def test_the_previews_in_an_mpo_are_no_frames() -> None:
    image = Image.fromarray(RGB)
    data = encoded(image, "MPO", save_all=True, append_images=[image.copy()])
    assert decoding.from_bytes(data, "picture").notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    upright, turned = RGB, RGB.transpose(1, 0, 2)
    # As the EXIF standard has it: which side of the picture row 0 and column 0 are.
    stored = {
        1: upright,  # top, left
        2: upright[:, ::-1],  # top, right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: turned,  # left, top
        6: turned[::-1],  # right, top
        7: turned[::-1, ::-1],  # right, bottom
        8: turned[:, ::-1],  # left, bottom
    }[orientation]
    path = tmp_path / f"a{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.save(path, exif=exif(orientation), **options)
    assert np.array_equal(load(path).rgb_hwc, upright)


@pytest.mark.parametrize("value", [0, 9])
def test_an_orientation_that_is_none_is_ignored(value: int) -> None:
    image = Image.fromarray(RGB)
    image.info["exif"] = exif(value).tobytes()
    assert np.array_equal(load(image).rgb_hwc, RGB)


def test_damaged_exif_is_noted_not_fatal() -> None:
    image = Image.fromarray(RGB)
    image.info["exif"] = b"Exif\0\0garbage"
    picture = load(image)
    assert np.array_equal(picture.rgb_hwc, RGB)
    assert picture.notes == ("damaged EXIF data: orientation unknown",)


def test_threads_load_at_the_same_time(tmp_path: Path) -> None:
    profile = encoding.srgb_profile()
    data = encoded(Image.fromarray(RGB), "PNG", exif=exif(6), icc_profile=profile)
    paths = [written(tmp_path / f"{n}.png", data) for n in range(4)]
    results: list[Picture] = []

    def work(path: Path) -> None:
        results.extend(load(path) for _ in range(10))

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    assert all(np.array_equal(r.rgb_hwc, results[0].rgb_hwc) for r in results)
