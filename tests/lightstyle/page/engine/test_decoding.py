"""Picture files are decoded in Chromium as Python decodes them."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import load, resized
from tests.support.engine import Painter
from tests.support.icc import display_p3

pytestmark = pytest.mark.browser

#: Grey levels by which a picture may be off, on average.
CLOSE = 1.0

_DECODE = """
async ([name, longest, size]) => {
  const { decoded } = await import('/engine/decode.js');
  const { resized } = await import('/engine/picture.js');
  const file = await (await fetch(`/files/${name}`)).blob();
  try {
    const raw = await decoded(new Blob([file]), 'content', longest);
    const { planes, alpha } = resized(raw, size ?? raw.size);
    const plain = { size: raw.size, original: raw.original };
    return { ...plain, planes: [...planes], alpha: alpha && [...alpha] };
  } catch ({ code, message }) {
    return { code, message };
  }
}
"""


def _scene(width: int = 90, height: int = 60) -> Image.Image:
    """A picture with edges and soft colours."""
    y, x = np.mgrid[:height, :width] / np.array([[[height]], [[width]]])
    waves = [np.sin(9 * x + 4 * y * k) + np.sign(np.sin(25 * x * y)) for k in (1, 2, 3)]
    return Image.fromarray((127 + 55 * np.dstack(waves)).astype(np.uint8))


def _transparent() -> Image.Image:
    made = _scene().convert("RGBA")
    ramp = np.tile(np.linspace(0, 255, 90), (60, 1)).astype(np.uint8)
    made.putalpha(Image.fromarray(ramp))
    return made


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def _kinds() -> Iterator[tuple[str, bytes]]:
    for orientation in range(1, 9):
        exif = _turned(orientation)
        yield f"turned{orientation}.jpg", _bytes(_scene(), "JPEG", exif=exif)
    yield "turned.png", _bytes(_scene(), "PNG", exif=_turned(6))
    yield "alpha.png", _bytes(_transparent(), "PNG")
    yield "alpha.webp", _bytes(_transparent(), "WEBP", lossless=True)
    yield "grey.png", _bytes(_scene().convert("L"), "PNG")
    yield "palette.png", _bytes(_scene().quantize(64), "PNG", transparency=3)
    yield "frames.gif", _bytes(_scene(), "GIF", save_all=True, append_images=[_scene()])
    yield "p3.jpg", _bytes(_scene(), "JPEG", icc_profile=display_p3())
    yield "p3.png", _bytes(_scene(), "PNG", icc_profile=display_p3())
    yield "cmyk.jpg", _bytes(_scene().convert("CMYK"), "JPEG")
    yield "deep.png", _bytes(Image.fromarray(_deep()), "PNG")


def _deep() -> Any:
    return np.asarray(_scene().convert("L")).astype(np.uint16) * 257


def _decoded(tiny: Painter, name: str, longest: int = 512, size: Any = None) -> Any:
    return tiny.page.evaluate(_DECODE, [name, longest, size])


@pytest.mark.parametrize(
    ("name", "data"),
    [*_kinds()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pixels_are_pythons(tiny: Painter, name: str, data: bytes) -> None:
    (tiny.files / name).write_bytes(data)
    expected = load(data)
    for size in (expected.size, (41, 37)):
        right = resized(expected, size)
        made = _decoded(tiny, name, size=size)
        assert tuple(made["original"]) == expected.size
        planes = np.reshape(made["planes"], (3, *size[::-1])).transpose(1, 2, 0)
        assert np.abs(planes - right.rgb_hwc).mean() < CLOSE
        assert (made["alpha"] is None) == (right.alpha_hw is None)
        if right.alpha_hw is not None:
            alpha = np.reshape(made["alpha"], size[::-1])
            assert np.abs(alpha - right.alpha_hw).mean() < CLOSE


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_very_large_picture_is_read_at_a_small_multiple(
    tiny: Painter, kind: str
) -> None:
    whole = _scene(475, 365).resize((4750, 3650), Image.Resampling.BICUBIC)
    name, size = f"large.{kind.lower()}", (128, 98)
    (tiny.files / name).write_bytes(_bytes(whole, kind))
    expected = load(tiny.files / name, longest=128)
    made = _decoded(tiny, name, 128, size)
    assert 2 * 128 <= max(made["size"]) < 3 * 128
    assert tuple(made["original"]) == whole.size
    planes = np.reshape(made["planes"], (3, *size[::-1])).transpose(1, 2, 0)
    assert np.abs(planes - resized(expected, size).rgb_hwc).mean() < CLOSE


def _damaged() -> Iterator[tuple[str, bytes, str]]:
    jpeg, png = _bytes(_scene(), "JPEG"), _bytes(_scene(), "PNG")
    yield "half.jpg", jpeg[: len(jpeg) // 2], "damaged"
    yield "half.png", png[: len(png) // 2], "damaged"
    yield "text.png", b"hello", "no picture"
    yield "empty.png", b"", "empty"
    # 65,000 × 65,000 pixels, as the header says.
    yield "vast.jpg", jpeg.replace(_sides(90, 60), _sides(65000, 65000)), "megapixels"
    yield "line.png", _bytes(Image.new("L", (40_000, 8)), "PNG"), "1000 times the other"


def _sides(width: int, height: int) -> bytes:
    return height.to_bytes(2) + width.to_bytes(2)


@pytest.mark.parametrize(("name", "data", "said"), [*_damaged()])
def test_what_python_refuses_is_refused_in_a_sentence(
    tiny: Painter, name: str, data: bytes, said: str
) -> None:
    (tiny.files / name).write_bytes(data)
    with pytest.raises(ImageError):
        load(data)
    made = _decoded(tiny, name)
    assert made["code"] == "picture"
    assert made["message"].startswith("content: ")
    assert said in made["message"]


def test_a_picture_that_is_too_small_is_refused(tiny: Painter, tmp_path: Path) -> None:
    _scene(20, 16).save(tiny.files / "small.png")
    found = tiny.paint("small.png", "style.png", settings={"iterations": 1})
    assert found["problem"]["code"] == "picture"
    assert "expected sides of at least 32" in found["problem"]["message"]
