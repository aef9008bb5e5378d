"""Formats that Pillow alone does not read are named, or read by their package."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import foreign
from lightstyle.images.loading import load
from tests.support.picture_files import RGB, encoded, written


def _box(brand: bytes, *more: bytes) -> bytes:
    brands = brand + bytes(4) + b"".join(more)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(64)


def _tiff(tags: dict[int, int], order: str = "<") -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    entries = b"".join(
        struct.pack(f"{order}HHII", tag, 4, 1, v) for tag, v in tags.items()
    )
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(64)


_RAW = "camera raw is not read: develop it first"
_FILES: dict[str, tuple[bytes, str]] = {
    "CR2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(64), _RAW),
    "CR3": (_box(b"crx ", b"isom"), _RAW),
    "DNG": (_tiff({50706: 1}), _RAW),
    "NEF": (_tiff({254: 1, 330: 99}, ">"), _RAW),
    "PEF": (_tiff({259: 65535}, ">"), _RAW),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(64), _RAW),
    "ORF": (b"IIRO" + bytes(64), _RAW),
    "RW2": (b"IIU\0" + bytes(64), _RAW),
    "PSD": (b"8BPS" + bytes(64), "Photoshop's format is not read: save it as PNG"),
    "SVG": (b'<?xml version="1.0"?>\n<svg>', "SVG is not read: draw it"),
    "PDF": (b"%PDF-1.7\n", "PDF is not read"),
    "TGA": (b"\0\0\x02" + bytes(64) + b"TRUEVISION-XFILE.\0", "TGA is not read"),
    "DDS": (b"DDS |" + bytes(64), "DDS is not read"),
    "PCX": (b"\n\5\1\x08" + bytes(64), "PCX is not read"),
    "QOI": (b"qoif" + bytes(64), "QOI is not read"),
    "SGI": (b"\1\xda\1\1" + bytes(64), "SGI's format is not read"),
    "JPEG XR": (b"II\xbc\1" + bytes(64), "JPEG XR is not read"),
    "FITS": (b"SIMPLE  = T" + bytes(64), "FITS is not read"),
    "DICOM": (bytes(128) + b"DICM" + bytes(64), "DICOM is not read"),
    "film": (_box(b"qt  ", b"qt  "), "a film is not read: save a frame"),
}


@pytest.mark.parametrize("kind", _FILES)
def test_a_foreign_format_is_named_with_what_to_do(kind: str, tmp_path: Path) -> None:
    data, words = _FILES[kind]
    path = written(tmp_path / "a.jpg", data)
    with pytest.raises(ImageError) as caught:
        load(path, role="content")
    assert str(caught.value).startswith(f"content {path}: {words}")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_box(b"heic", b"mif1", b"heic"), "HEIC needs the package pillow-heif"),
        (_box(b"mif1", b"heic"), "HEIC needs the package pillow-heif"),
        (b"\xff\x0a" + bytes(64), "JPEG XL needs the package pillow-jxl-plugin"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(9), "JPEG XL needs the package"),
    ],
)
def test_a_missing_package_is_named(
    data: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImageError, match=f"{words}.*or save it as"):
        load(data)
    assert foreign.problem_of(".HEIC") is not None
    assert foreign.suffixes_read() == frozenset()


def test_a_package_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageError, match=r"pillow-jxl-plugin cannot be used: .*PNG"):
        load(b"\xff\x0a" + bytes(64))


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_ordinary_tiff_is_no_raw(order: str) -> None:
    data = encoded(Image.fromarray(RGB), "TIFF")
    assert foreign.recognised(data) is None
    assert foreign.recognised(_tiff({254: 0, 259: 1, 330: 8}, order)) is None
    assert foreign.recognised(b"II*\0") is None


def test_heic_is_read() -> None:
    pillow_heif = pytest.importorskip(
        "pillow_heif", reason="pillow-heif is not installed: HEIC cannot be written"
    )
    flat = Image.new("RGB", (64, 48), (200, 120, 40))
    made = pillow_heif.from_pillow(flat)
    buffer = io.BytesIO()
    made.save(buffer, quality=95)
    picture = load(buffer.getvalue())
    assert picture.size == (64, 48)
    assert np.abs(picture.rgb_hwc - (200, 120, 40)).max() < 6
    with pytest.raises(ImageError, match="damaged"):
        load(buffer.getvalue()[:-100])


def test_jpeg_xl_is_read() -> None:
    pytest.importorskip(
        "pillow_jxl", reason="pillow-jxl-plugin is not installed: JXL cannot be written"
    )
    data = encoded(Image.fromarray(RGB), "JXL", lossless=True)
    assert np.array_equal(load(data).rgb_hwc, RGB)
    with pytest.raises(ImageError):
        load(data[:-40])


def test_the_packages_are_not_imported_before_such_a_file_is_met(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "a.png", encoded(Image.fromarray(RGB), "PNG"))
    code = (
        "import sys; from lightstyle.images.loading import load; "
        "from lightstyle.jobs.inputs import readable; "
        f"load({str(path)!r}); readable(); "
        "print([m for m in sys.modules if m in ('pillow_heif', 'pillow_jxl')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
