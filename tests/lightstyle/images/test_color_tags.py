import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from lightstyle.images import color_space, decoding, encoding
from lightstyle.images.color_space import ADOBE_GAMMA, ADOBE_RGB, SRGB, RGBSpace
from tests.support.picture_files import RGB, encoded, png

ADOBE = RGBSpace.of(color_space.power(ADOBE_GAMMA), ADOBE_RGB)
P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290)


def _read(data: bytes) -> tuple[NDArray[Any], tuple[str, ...]]:
    picture = decoding.from_bytes(data, "picture")
    return picture.rgb_hwc, picture.notes


def _exif(kind: int, index: str | None = None, **more: Any) -> bytes:
    data = Image.Exif()
    fields = data.get_ifd(ExifTags.IFD.Exif)
    fields[0xA001] = kind
    if index is not None:
        data._ifds[ExifTags.IFD.Interop] = {1: index}
        fields[ExifTags.IFD.Interop] = {1: index}
    for name, value in more.items():
        data[int(name.removeprefix("tag"))] = value
    return data.tobytes()


def _chrm(points: tuple[float, ...]) -> tuple[bytes, bytes]:
    ordered = (*points[6:], *points[:6])
    return b"cHRM", struct.pack(">8I", *(round(each * 100000) for each in ordered))


def _gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100000))


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_adobe_rgb_told_by_exif_is_converted(format_: str) -> None:
    options = {"lossless": True} if format_ == "WEBP" else {}
    kinds = [_exif(2), _exif(0xFFFF, "R03")]
    for data in kinds[: 1 if format_ == "TIFF" else 2]:  # Pillow loses the index there
        image = Image.fromarray(RGB)
        levels, notes = _read(encoded(image, format_, exif=data, **options))
        expected = ADOBE.to_srgb(RGB.astype(np.float32))
        np.testing.assert_allclose(levels, expected, atol=0.01)
        assert notes == ()


def test_adobe_rgb_in_a_camera_s_jpeg_is_converted() -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    levels, notes = _read(encoded(image, "JPEG", exif=_exif(0xFFFF, "R03"), quality=95))
    np.testing.assert_allclose(levels[8, 8], [228, 99, 42], atol=4)
    assert notes == ()


def test_a_profile_counts_more_than_what_exif_says() -> None:
    options = {"exif": _exif(0xFFFF, "R03"), "icc_profile": encoding.srgb_profile()}
    levels, notes = _read(encoded(Image.fromarray(RGB), "PNG", **options))
    np.testing.assert_array_equal(levels, RGB)
    assert notes == ()


def test_colours_that_are_not_srgb_without_more_are_noted() -> None:
    data = encoded(Image.fromarray(RGB), "PNG", exif=_exif(0xFFFF))
    levels, notes = _read(data)
    np.testing.assert_array_equal(levels, RGB)
    assert notes == ("colours that are not sRGB, without a profile: taken as sRGB",)
    assert _read(encoded(Image.fromarray(RGB), "PNG", exif=_exif(1)))[1] == ()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([_gama(1.0)], RGBSpace.of(color_space.power(1.0))),
        ([_gama(1 / 1.8)], RGBSpace.of(color_space.power(1.8))),
        ([_chrm(P3)], RGBSpace.of(color_space.srgb_curve, P3)),
        ([_gama(1 / ADOBE_GAMMA), _chrm(ADOBE_RGB)], ADOBE),
        ([(b"cICP", bytes([12, 13, 0, 1]))], RGBSpace.of(color_space.srgb_curve, P3)),
    ],
    ids=["linear", "1.8", "P3", "Adobe RGB", "cICP"],
)
def test_a_png_that_tells_its_colours_is_converted(
    chunks: list[Any], space: RGBSpace, depth: int
) -> None:
    samples = RGB if depth == 8 else RGB.astype(np.uint16) * 257
    levels, notes = _read(png(samples, *chunks))
    np.testing.assert_allclose(
        levels, space.to_srgb(RGB.astype(np.float32)), rtol=1e-4, atol=0.05
    )
    assert np.abs(levels - RGB).max() > 5
    assert notes == ()


@pytest.mark.parametrize(
    "chunks",
    [
        [_gama(0.45455)],
        [_gama(0.45455), _chrm(SRGB)],
        [(b"sRGB", b"\0"), _gama(1.0)],
        [(b"sRGB", b"\0"), (b"eXIf", _exif(0xFFFF, "R03").removeprefix(b"Exif\0\0"))],
        [(b"cICP", bytes([1, 13, 0, 1])), _gama(1.0)],
        [(b"cICP", bytes([1, 1, 0, 1]))],
    ],
)
def test_a_png_that_tells_srgb_keeps_its_levels(chunks: list[Any]) -> None:
    levels, notes = _read(png(RGB, *chunks))
    np.testing.assert_array_equal(levels, RGB)
    assert notes == ()


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        ([_gama(0)], "unusable colour data"),
        ([_chrm((0.0,) * 8)], "unusable colour data"),
        ([(b"cICP", bytes([9, 16, 0, 1]))], "high dynamic range (PQ): taken as sRGB"),
        ([(b"cICP", bytes([77, 13, 0, 1]))], "unusable colour data"),
    ],
)
def test_colours_that_cannot_be_converted_are_noted(
    chunks: list[Any], note: str
) -> None:
    levels, notes = _read(png(RGB, *chunks))
    np.testing.assert_array_equal(levels, RGB)
    assert len(notes) == 1
    assert note in notes[0]


def test_grey_follows_gamma() -> None:
    levels, _ = _read(png(RGB[..., 0], _gama(1.0)))
    linear = RGBSpace.of(color_space.power(1.0))
    grey = np.repeat(RGB[..., :1], 3, axis=2).astype(np.float32)
    np.testing.assert_allclose(levels, linear.to_srgb(grey), atol=0.1)


def test_the_fields_of_a_tiff_are_converted() -> None:
    curve = tuple(round(65535 * (n / 255) ** ADOBE_GAMMA) for n in range(256))
    fields: dict[int, Any] = {318: ADOBE_RGB[6:], 319: ADOBE_RGB[:6], 301: curve * 3}
    levels, notes = _read(encoded(Image.fromarray(RGB), "TIFF", tiffinfo=fields))
    expected = ADOBE.to_srgb(RGB.astype(np.float32))
    np.testing.assert_allclose(levels, expected, atol=0.5)
    assert notes == ()


def _bmp(
    kind: bytes, points: Any = (), exponent: float = 0, profile: bytes = b""
) -> bytes:
    """A BMP with a header of version 5."""
    plain = encoded(Image.fromarray(RGB), "BMP")
    header, pixels = plain[14:54], plain[54:]
    ends = np.zeros((3, 3))
    if points:
        ends[:, :2] = np.reshape(points[:6], (3, 2))
        ends[:, 2] = 1 - ends.sum(axis=1)
    numbers = [*np.rint(ends.ravel() * (1 << 30)), *[round(exponent * 65536)] * 3]
    space = kind + struct.pack("<12i", *map(int, numbers))
    rest = struct.pack("<4I", 4, 124 + len(pixels), len(profile), 0)
    header = struct.pack("<I", 124) + header[4:] + bytes(16) + space + rest
    body = pixels + profile
    return b"BM" + struct.pack("<IHHI", 138 + len(body), 0, 0, 138) + header + body


def test_a_bmp_that_tells_its_colours_is_converted() -> None:
    expected = ADOBE.to_srgb(RGB.astype(np.float32))
    for exponent in (ADOBE_GAMMA, 1 / ADOBE_GAMMA):  # both are found in files
        levels, notes = _read(_bmp(bytes(4), ADOBE_RGB, exponent))
        np.testing.assert_allclose(levels, expected, atol=0.5)
        assert notes == ()
    profile = encoding.srgb_profile().replace(b"para\0\0\0\0\0\3", b"para\0\0\0\0\0\0")
    levels, notes = _read(_bmp(b"DEBM", profile=profile))
    assert np.abs(levels - RGB).max() > 2
    assert notes == ()
    for kind in (b"BGRs", b" niW", bytes(4)):  # sRGB, Windows', and not filled in
        levels, notes = _read(_bmp(kind))
        np.testing.assert_array_equal(levels, RGB)
        assert notes == ()
    assert "another file" in _read(_bmp(b"KNIL"))[1][0]


def test_an_avif_that_tells_its_colours_is_converted() -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    data = encoded(image, "AVIF", quality=100)
    at = data.index(b"colrnclx")
    plain, _ = _read(data)
    wide = data[: at + 8] + struct.pack(">H", 12) + data[at + 10 :]
    levels, notes = _read(wide)
    space = RGBSpace.of(color_space.srgb_curve, P3)
    np.testing.assert_allclose(levels, space.to_srgb(plain), atol=0.1)
    assert notes == ()
    bright = data[: at + 10] + struct.pack(">H", 16) + data[at + 12 :]
    assert "high dynamic range (PQ)" in _read(bright)[1][0]


def test_a_picture_in_memory_is_converted_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(RGB, _gama(1.0)))
    with Image.open(path) as image:
        in_memory = decoding.from_image(image, "picture").rgb_hwc
    np.testing.assert_array_equal(in_memory, _read(path.read_bytes())[0])


OTHER_PROFILE = encoding.srgb_profile().replace(
    b"para\0\0\0\0\0\3", b"para\0\0\0\0\0\0"
)


def test_cicp_counts_more_than_a_profile_in_a_png() -> None:
    for numbers, profile_counts in (
        ((12, 13), False),
        ((1, 13), False),
        ((9, 16), True),
    ):
        packed = b"x\0\0" + zlib.compress(OTHER_PROFILE)
        cicp = b"cICP", bytes([*numbers, 0, 1])
        levels, notes = _read(png(RGB, cicp, (b"iCCP", packed)))
        others = [(b"iCCP", packed)] if profile_counts else [cicp]
        np.testing.assert_array_equal(levels, _read(png(RGB, *others))[0])
        assert notes == ()


def test_a_profile_counts_more_than_nclx_in_an_avif() -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    plain, _ = _read(encoded(image, "AVIF", quality=100))
    data = encoded(image, "AVIF", quality=100, icc_profile=encoding.srgb_profile())
    np.testing.assert_allclose(_read(data)[0], plain, atol=1)


def test_a_profile_in_a_gif_or_jpeg_2000_is_converted() -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    expected, _ = _read(encoded(image, "PNG", icc_profile=OTHER_PROFILE))
    gif = encoded(image, "GIF")
    parts = [OTHER_PROFILE[n : n + 255] for n in range(0, len(OTHER_PROFILE), 255)]
    blocks = b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    at = gif.index(b"\x2c")  # where the picture begins
    gif = gif[:at] + b"\x21\xff\x0bICCRGBG1012" + blocks + gif[at:]
    jp2 = encoded(image, "JPEG2000")
    at = jp2.index(b"colr") - 4
    box = b"colr\2\0\0" + OTHER_PROFILE
    more = 4 + len(box) - int.from_bytes(jp2[at : at + 4])
    head = jp2.index(b"jp2h") - 4
    length = int.from_bytes(jp2[head : head + 4]) + more
    rest = jp2[at + int.from_bytes(jp2[at : at + 4]) :]
    jp2 = (
        jp2[:head]
        + length.to_bytes(4)
        + jp2[head + 4 : at]
        + (4 + len(box)).to_bytes(4)
        + box
        + rest
    )
    for data in (gif, jp2):
        levels, notes = _read(data)
        np.testing.assert_allclose(levels[0, 0], expected[0, 0], atol=2)
        assert notes == ()


def test_another_space_of_a_jpeg_2000_is_noted() -> None:
    data = encoded(Image.new("RGB", (16, 16), (200, 100, 50)), "JPEG2000")
    at = data.index(b"colr") + 7
    assert _read(data)[1] == ()
    other = data[:at] + (21).to_bytes(4) + data[at + 4 :]  # ROMM RGB
    assert _read(other)[1] == ("unusable colour data: colours taken as sRGB",)
