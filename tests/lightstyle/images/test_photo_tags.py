"""What a file says of its photo is read, chosen from, and written into a result."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin
from PIL.ExifTags import Base

from lightstyle.images import encoding, metadata
from lightstyle.images.loading import load
from lightstyle.images.photo_tags import NO_TAGS, PhotoTags
from tests.support.picture_files import RGB, encoded

_FORMATS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp"}
_MAKER_NOTE, _SERIAL, _OWNER = 0x927C, 0xA431, 0xA430
_RECORD = '{"lightstyle": "0"}'


def _exif(orientation: int = 1) -> Image.Exif:
    """What a camera writes."""
    data = Image.Exif()
    data[Base.Orientation] = orientation
    data[Base.Make], data[Base.Model] = "Maker", "Model 7"
    data[Base.Copyright] = "© 2024 Zoë".encode()
    data[Base.Software] = "an editor"
    data[Base.XResolution] = data[Base.YResolution] = 300.0
    data[Base.ResolutionUnit] = 2
    inner = data.get_ifd(ExifTags.IFD.Exif)
    inner[Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    inner[Base.ExposureTime], inner[Base.ISOSpeedRatings] = 0.01, 200
    inner[Base.ExposureBiasValue] = -0.5
    inner[Base.LensModel] = "a lens"
    inner[_SERIAL], inner[_OWNER] = "SN-4711", "Zoe Owner"
    inner[_MAKER_NOTE] = b"secret SN-4711"
    place = data.get_ifd(ExifTags.IFD.GPSInfo)
    place[1], place[2] = "N", (52.0, 31.0, 12.5)
    return data


def _photo(format_: str = "JPEG", **options: Any) -> bytes:
    return encoded(Image.fromarray(RGB), format_, exif=_exif(), **options)


def _saved(tags: PhotoTags, format_: str, bits: int = 8) -> bytes:
    path = Path(f"picture{_FORMATS[format_]}")
    levels = RGB.astype(np.float32)
    return encoding.encoded(path, levels, bits=bits, text=_RECORD, tags=tags)


def _fields(data: bytes) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        exif = image.getexif()
        inner, place = (
            dict(exif.get_ifd(kind))
            for kind in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
        )
        return dict(exif), inner, place


_CASES = [(format_, 8) for format_ in _FORMATS] + [("PNG", 16), ("TIFF", 16)]


@pytest.mark.parametrize(("format_", "bits"), _CASES)
def test_the_default_keeps_all_but_the_place_and_who_it_was(
    format_: str, bits: int
) -> None:
    data = _saved(load(_photo()).photo.chosen("private"), format_, bits)
    main, inner, place = _fields(data)
    assert main[Base.Make] == "Maker"
    assert main[Base.Copyright].encode("latin-1").decode() == "© 2024 Zoë"
    assert inner[Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert float(inner[Base.ExposureTime]) == pytest.approx(0.01)
    assert float(inner[Base.ExposureBiasValue]) == pytest.approx(-0.5)
    assert inner[Base.LensModel] == "a lens"
    assert not place
    assert Base.Orientation not in main or main[Base.Orientation] == 1
    assert load(data).photo.dpi == pytest.approx((300, 300), abs=0.01)
    for secret in (b"4711", b"Owner", b"an editor"):
        assert secret not in data
    assert _RECORD in metadata.texts(data, "result")
    if format_ in ("PNG", "TIFF"):
        assert np.array_equal(load(data).rgb_hwc, RGB)


@pytest.mark.parametrize(("format_", "bits"), _CASES)
def test_the_place_and_serial_numbers_are_kept_on_request(
    format_: str, bits: int
) -> None:
    data = _saved(load(_photo()).photo.chosen("keep"), format_, bits)
    _, inner, place = _fields(data)
    assert [float(part) for part in place[2]] == [52.0, 31.0, 12.5]
    assert inner[_SERIAL] == "SN-4711"
    assert inner[_OWNER] == "Zoe Owner"
    assert _MAKER_NOTE not in inner
    assert _RECORD in metadata.texts(data, "result")


@pytest.mark.parametrize("format_", _FORMATS)
def test_without_metadata_nothing_of_it_is_written(format_: str) -> None:
    assert load(_photo()).photo.chosen("none") == NO_TAGS
    path = Path(f"picture{_FORMATS[format_]}")
    plain = encoding.encoded(path, RGB.astype(np.float32))
    assert b"Maker" not in plain
    assert load(plain).photo.main == {}


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_tags_are_read_from_every_format(format_: str) -> None:
    if format_ == "TIFF":  # Pillow writes such a TIFF from its fields only
        data = _saved(load(_photo()).photo.chosen("keep"), "TIFF")
    else:
        data = _photo(format_)
    tags = load(data).photo
    assert tags.main[Base.Model] == "Model 7"
    assert tags.exif[Base.ISOSpeedRatings] == 200
    assert tags.place[1] == "N"
    assert tags.dpi == pytest.approx((300, 300), abs=0.01)


def test_a_quarter_turn_swaps_the_resolutions() -> None:
    data = encoded(Image.fromarray(RGB), "JPEG", exif=_exif(6), dpi=(200, 100))
    assert load(data).photo.dpi == (100, 200)


def test_texts_of_a_png_are_author_and_copyright() -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", "Zoë")
    chunks.add_itxt("Copyright", "© Zoë")
    tags = load(encoded(Image.fromarray(RGB), "PNG", pnginfo=chunks)).photo
    main, _, _ = _fields(_saved(tags, "JPEG"))
    assert main[Base.Artist].encode("latin-1").decode() == "Zoë"
    assert main[Base.Copyright].encode("latin-1").decode() == "© Zoë"


def test_damaged_and_endless_fields_are_left_out() -> None:
    data = Image.Exif()
    data[Base.Copyright] = "c" * 50_000
    data[Base.Artist] = "a\0hidden"
    tags = load(encoded(Image.fromarray(RGB), "JPEG", exif=data)).photo
    assert len(tags.main[Base.Copyright]) < 1000
    assert tags.main[Base.Artist] == "a"
    broken = b"Exif\0\0MM\0*\xff\xff\xff\xff"
    tags = load(encoded(Image.fromarray(RGB), "JPEG", exif=broken)).photo
    assert (tags.main, tags.exif, tags.place) == ({}, {}, {})


def test_a_record_of_ours_is_no_caption() -> None:
    data = _saved(NO_TAGS, "TIFF")
    assert load(data).photo.main == {}


def test_a_long_record_goes_before_the_tags() -> None:
    text = "r" * metadata.LONGEST
    many = dict.fromkeys(load(_photo()).photo.main, "t" * 790)
    tags = PhotoTags(main=many, exif={37500 + n: "u" * 790 for n in range(5)})
    options = metadata.options("JPEG", text, tags)
    assert len(options["exif"]) < 65_534
    assert text.encode() in options["exif"]
