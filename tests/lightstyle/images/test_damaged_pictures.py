from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import encoding
from lightstyle.images.loading import load
from tests.support.picture_files import GREY, RGB, encoded, exif

_EXIF = exif(6)
_EXIF[0x10F] = "maker"

_FUZZED: dict[str, bytes] = {
    "PNG": encoded(
        Image.fromarray(RGB), "PNG", exif=_EXIF, icc_profile=encoding.srgb_profile()
    ),
    "palette PNG": encoded(Image.fromarray(RGB).quantize(9), "PNG", transparency=2),
    "JPEG": encoded(
        Image.fromarray(RGB), "JPEG", exif=_EXIF, icc_profile=encoding.srgb_profile()
    ),
    "GIF": encoded(
        Image.fromarray(RGB),
        "GIF",
        save_all=True,
        append_images=[Image.fromarray(RGB[::-1].copy())],
    ),
    "TIFF": encoded(Image.fromarray(RGB), "TIFF", exif=_EXIF),
    "16-bit TIFF": encoded(Image.fromarray(GREY.astype(np.uint16)), "TIFF"),
    "WebP": encoded(Image.fromarray(RGB), "WEBP", exif=_EXIF),
    "BMP": encoded(Image.fromarray(RGB), "BMP"),
    "PPM": encoded(Image.fromarray(RGB), "PPM"),
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
