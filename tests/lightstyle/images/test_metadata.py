import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from lightstyle.errors import ImageError
from lightstyle.images import encoding, metadata
from lightstyle.images.loading import load
from tests.support.picture_files import encoded

TEXT = json.dumps({"lightstyle": "0.1.0", "name": "Bäume\n\udc80"})
LEVELS = np.arange(8 * 6 * 3, dtype=np.float32).reshape(8, 6, 3)
FORMATS = [("png", 8), ("png", 16), ("tif", 8), ("tif", 16), ("jpg", 8), ("webp", 8)]


def _saved(path: Path, text: str | None, bits: int = 8, *, alpha: bool = False) -> Path:
    alpha_hw = LEVELS[..., 0] + 9 if alpha else None
    data = encoding.encoded(path, LEVELS, alpha_hw=alpha_hw, bits=bits, text=text)
    path.write_bytes(data)
    return path


def _texts(path: Path) -> list[str]:
    return metadata.texts(path.read_bytes(), path.name)


def _blank(format_: str, **options: Any) -> bytes:
    return encoded(Image.new("RGB", (8, 6)), format_, **options)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_a_text_comes_back_and_leaves_the_picture_alone(
    tmp_path: Path, suffix: str, bits: int, alpha: bool
) -> None:
    bare = _saved(tmp_path / f"bare.{suffix}", None, bits, alpha=alpha)
    path = _saved(tmp_path / f"a.{suffix}", TEXT, bits, alpha=alpha)
    assert _texts(path) == [TEXT]
    assert _texts(bare) == []
    assert np.array_equal(load(path).rgb_hwc, load(bare).rgb_hwc)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == encoding.srgb_profile()


@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_equal_texts_give_equal_files(tmp_path: Path, suffix: str, bits: int) -> None:
    first, second = (
        _saved(tmp_path / f"{name}.{suffix}", TEXT, bits).read_bytes() for name in "ab"
    )
    assert first == second


@pytest.mark.parametrize("suffix", ["bmp", "png", "jpg"])
def test_what_has_no_room_for_the_text_is_saved_without(
    tmp_path: Path, suffix: str
) -> None:
    text = TEXT if suffix == "bmp" else "a" * (metadata.LONGEST + 1)
    assert _texts(_saved(tmp_path / f"a.{suffix}", text)) == []


@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_the_longest_text_fits(tmp_path: Path, suffix: str, bits: int) -> None:
    text = "a" * metadata.LONGEST
    assert _texts(_saved(tmp_path / f"a.{suffix}", text, bits)) == [text]


def _texts_or_error(data: bytes) -> str:
    try:
        return json.dumps(metadata.texts(data, "a"))
    except ImageError as error:
        return str(error)


def _with_comment(comment: bytes) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return _blank("JPEG", exif=exif)


def _with_bomb() -> bytes:
    chunks = PngImagePlugin.PngInfo()
    packed = zlib.compress(bytes(30_000_000), 9)
    chunks.add(b"zTXt", metadata.KEYWORD.encode() + b"\0\0" + packed)
    return _blank("PNG", pnginfo=chunks)


def _with_long_text() -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(metadata.KEYWORD, "a" * 2_000_000)
    return _blank("PNG", pnginfo=chunks)


@pytest.mark.parametrize(
    "data",
    [
        _with_comment(b"UNICODE\0\xff\xfe\x00\xd8"),
        _with_comment(b"\xff" * 99),
        _with_comment(b""),
        _blank("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\xff\xff"),
        _blank("WEBP", exif=b"Exif\0\0MM\0*\0\0\xff\xff"),
        _with_bomb(),
        _with_long_text(),
        _blank("GIF"),
    ],
    ids=["unicode", "no prefix", "no comment", "jpeg", "webp", "bomb", "long", "gif"],
)
def test_what_others_wrote_is_no_text_of_ours(data: bytes) -> None:
    found = _texts_or_error(data)
    assert "lightstyle" not in found
    assert len(found) < 1000


@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_no_damage_is_more_than_one_line(
    tmp_path: Path, suffix: str, bits: int
) -> None:
    whole = _saved(tmp_path / f"a.{suffix}", TEXT, bits).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            data[place] ^= int(random.integers(1, 256))
        for damaged in (data, data[: random.integers(0, len(data))]):
            assert "\n" not in _texts_or_error(bytes(damaged))
