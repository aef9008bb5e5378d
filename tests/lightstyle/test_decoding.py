import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lightstyle import decoding, output
from lightstyle.errors import ImageError
from lightstyle.images import Picture, load

_ORIENTATION = 0x112
_RNG = np.random.default_rng(7)
_RGB = _RNG.integers(0, 256, (12, 17, 3), dtype=np.uint8)
_GREY = _RGB[..., 0]


def _encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.copy().save(buffer, format_, **options)
    return buffer.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return exif


def _swapped_profile() -> bytes:
    """An RGB profile whose red primary is that of sRGB's green, and vice versa."""
    profile = bytearray(output.srgb_profile())
    count = int.from_bytes(profile[128:132], "big")
    entries = {
        bytes(profile[132 + 12 * i : 136 + 12 * i]): 136 + 12 * i for i in range(count)
    }
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    first, second = profile[red : red + 8], profile[green : green + 8]
    profile[red : red + 8], profile[green : green + 8] = second, first
    return bytes(profile)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# Kinds of pictures


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp", ".ppm", ".gif"])
def test_lossless_files_give_their_levels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    levels = _RGB // 128 * 255 if suffix == ".gif" else _RGB
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(levels).save(path, **options)
    picture = load(path)
    assert picture.rgb_hwc.dtype == np.float32
    assert np.array_equal(picture.rgb_hwc, levels)
    assert picture.alpha_hw is None
    assert picture.notes == ()


_GREY_KINDS: dict[str, tuple[Image.Image, NDArray[np.floating]]] = {
    "L": (Image.fromarray(_GREY), _GREY * 1.0),
    "1": (Image.fromarray(_GREY > 99), (_GREY > 99) * 255.0),
    "P": (Image.fromarray(_GREY).convert("P"), _GREY * 1.0),
    "I;16": (
        Image.fromarray(_GREY.astype(np.uint16) * 256 + 37),
        (_GREY * 256.0 + 37) / 257,
    ),
    "I": (Image.fromarray(_GREY.astype(np.int32) * 257), _GREY * 1.0),
    "F": (Image.fromarray(_GREY / np.float32(255)), _GREY * 1.0),
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
        source = _written(tmp_path / "a", _encoded(image, format_))
    rgb = load(source).rgb_hwc
    for channel in range(3):
        assert np.abs(rgb[..., channel] - expected).max() < 1e-4


def test_deep_integers_beyond_16_bits_are_refused() -> None:
    with pytest.raises(ImageError, match="from 0 to 70000; expected 0 to 65535"):
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
    data = _encoded(
        frames[0], format_, save_all=True, append_images=frames[1:], **options
    )
    picture = decoding.from_bytes(data, "picture")
    assert picture.notes == ("first of 3 frames",)
    assert np.array_equal(picture.rgb_hwc[0, 0], [255, 0, 0])


def test_the_previews_in_an_mpo_are_no_frames() -> None:
    image = Image.fromarray(_RGB)
    data = _encoded(image, "MPO", save_all=True, append_images=[image.copy()])
    assert decoding.from_bytes(data, "picture").notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    upright, turned = _RGB, _RGB.transpose(1, 0, 2)
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
    image.save(path, exif=_exif(orientation), **options)
    assert np.array_equal(load(path).rgb_hwc, upright)


@pytest.mark.parametrize("value", [0, 9])
def test_an_orientation_that_is_none_is_ignored(value: int) -> None:
    image = Image.fromarray(_RGB)
    image.info["exif"] = _exif(value).tobytes()
    assert np.array_equal(load(image).rgb_hwc, _RGB)


def test_damaged_exif_is_noted_not_fatal() -> None:
    image = Image.fromarray(_RGB)
    image.info["exif"] = b"Exif\0\0garbage"
    picture = load(image)
    assert np.array_equal(picture.rgb_hwc, _RGB)
    assert picture.notes == ("damaged EXIF data: orientation unknown",)


# Colour profiles


def test_an_embedded_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGB", (4, 4), (200, 30, 30))
    image.save(path, icc_profile=_swapped_profile())
    np.testing.assert_allclose(load(path).rgb_hwc[0, 0], [30, 200, 30], atol=2)


def test_the_profile_that_is_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(_RGB).save(path, icc_profile=output.srgb_profile())
    picture = load(path)
    assert np.array_equal(picture.rgb_hwc, _RGB)
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
        "truncated": output.srgb_profile()[:200],
        "wrong space": lab,
    }
    image = Image.fromarray(_RGB)
    if mode == "I;16":
        image = Image.fromarray(_GREY.astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    plain = load(image).rgb_hwc
    image.info["icc_profile"] = profiles[kind]
    picture = load(image)
    np.testing.assert_allclose(picture.rgb_hwc, plain, atol=1e-3)
    assert picture.notes[0] == "unusable colour profile: colours taken as sRGB"


# Transparency


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La", "RGBa"])
def test_alpha_is_set_aside(mode: str) -> None:
    rgba = np.dstack([_GREY, _GREY, _GREY, np.full_like(_GREY, 255)])
    rgba[:4, :, 3] = 0
    rgba[4:8, :, 3] = 128
    image = Image.fromarray(_GREY).convert("P" if mode == "PA" else "L")
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
    first = np.dstack([_RGB, np.where(_GREY > 128, 255, 0).astype(np.uint8)])
    second = first.copy()
    second[first[..., 3] == 0, :3] = 77
    assert np.array_equal(load(first).rgb_hwc, load(second).rgb_hwc)


def test_opaque_alpha_is_dropped() -> None:
    assert load(Image.fromarray(_RGB).convert("RGBA")).alpha_hw is None


# Damage

_EXIF = _exif(6)
_EXIF[0x10F] = "maker"
_FUZZED: dict[str, bytes] = {
    "PNG": _encoded(
        Image.fromarray(_RGB), "PNG", exif=_EXIF, icc_profile=output.srgb_profile()
    ),
    "palette PNG": _encoded(Image.fromarray(_RGB).quantize(9), "PNG", transparency=2),
    "JPEG": _encoded(
        Image.fromarray(_RGB), "JPEG", exif=_EXIF, icc_profile=output.srgb_profile()
    ),
    "GIF": _encoded(
        Image.fromarray(_RGB),
        "GIF",
        save_all=True,
        append_images=[Image.fromarray(_RGB[::-1].copy())],
    ),
    "TIFF": _encoded(Image.fromarray(_RGB), "TIFF", exif=_EXIF),
    "16-bit TIFF": _encoded(Image.fromarray(_GREY.astype(np.uint16)), "TIFF"),
    "WebP": _encoded(Image.fromarray(_RGB), "WEBP", exif=_EXIF),
    "BMP": _encoded(Image.fromarray(_RGB), "BMP"),
    "PPM": _encoded(Image.fromarray(_RGB), "PPM"),
}


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[rng.integers(len(data)) :]


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 6)):
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)


def _flip_header(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 6)):
        data[rng.integers(min(150, len(data)))] = rng.integers(256)


def _drop(data: bytearray, rng: np.random.Generator) -> None:
    start = rng.integers(len(data))
    del data[start : start + rng.integers(1, 30)]


@pytest.mark.parametrize("damage", [_cut, _flip, _flip_header, _drop])
@pytest.mark.parametrize("kind", _FUZZED)
def test_damage_gives_a_picture_or_one_error(
    tmp_path: Path,
    kind: str,
    damage: Callable[[bytearray, np.random.Generator], None],
) -> None:
    rng = np.random.default_rng(len(kind))
    path = tmp_path / "a"
    open_files = _open_files()
    for _ in range(25):
        data = bytearray(_FUZZED[kind])
        damage(data, rng)
        path.write_bytes(data)
        error = _error_of(path)
        assert error is None or error.startswith(f"content {path}: ")
        assert error is None or "\n" not in error
    assert _open_files() == open_files


def _error_of(path: Path) -> str | None:
    try:
        rgb = load(path, role="content").rgb_hwc
    except ImageError as error:
        return str(error)
    assert rgb.min() >= 0
    assert rgb.max() <= 255
    return None


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_threads_load_at_the_same_time(tmp_path: Path) -> None:
    paths = [_written(tmp_path / f"{n}.png", _FUZZED["PNG"]) for n in range(4)]
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
