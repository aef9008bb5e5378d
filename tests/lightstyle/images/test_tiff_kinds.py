import io
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import decoding, encoding
from lightstyle.images.loading import load
from tests.support.picture_files import problem

_RANDOM = np.random.default_rng(8)
VALUES = _RANDOM.random((11, 14, 5))
U16 = np.rint(VALUES * 65535).astype(np.uint16)
U8 = np.rint(VALUES * 255).astype(np.uint8)


def _tiff(samples: NDArray[Any], photometric: Any = "minisblack", **more: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, photometric=photometric, **more)
    return file.getvalue()


ALPHA_LAST: dict[str, Any] = {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
KINDS: dict[str, tuple[bytes, Any, Any]] = {
    "float64 grey": (_tiff(VALUES[..., 0]), VALUES[..., :1], None),
    "float16 grey": (_tiff(VALUES[..., 0].astype(np.float16)), VALUES[..., :1], None),
    "float64 grey, white at 0": (
        _tiff(VALUES[..., 0], "miniswhite"),
        1 - VALUES[..., :1],
        None,
    ),
    "float32 RGB": (
        _tiff(VALUES[..., :3].astype(np.float32), "rgb", compression="zlib"),
        VALUES[..., :3],
        None,
    ),
    "float64 RGB and alpha, big-endian": (
        _tiff(VALUES[..., :4], "rgb", byteorder=">", extrasamples=["unassalpha"]),
        VALUES[..., :3],
        VALUES[..., 3],
    ),
    "16-bit grey and alpha": (
        _tiff(U16[..., :2], **ALPHA_LAST),
        U16[..., :1] / 65535,
        U16[..., 1] / 65535,
    ),
    "32-bit RGB": (
        _tiff((VALUES[..., :3] * (2**32 - 1)).astype(np.uint32), "rgb"),
        VALUES[..., :3],
        None,
    ),
    "16-bit RGB and two more": (
        _tiff(U16, "rgb", extrasamples=["unspecified", "unspecified"]),
        U16[..., :3] / 65535,
        None,
    ),
    "8-bit RGB in planes, big-endian and 64-bit": (
        _tiff(
            U8[..., :3].transpose(2, 0, 1),
            "rgb",
            planarconfig="separate",
            bigtiff=True,
            byteorder=">",
        ),
        U8[..., :3] / 255,
        None,
    ),
}


def test_a_note_says_that_the_first_of_many_channels_is_shown_as_grey() -> None:
    bands = _tiff(np.dstack([U8, U8[..., :3]]), "minisblack", planarconfig="contig")
    assert load(bands).notes == ("first of 8 channels, as grey",)
    assert load(_tiff(U16[..., :2], **ALPHA_LAST)).notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_pillow_does_not_know_are_read(kind: str) -> None:
    data, colors, alpha = KINDS[kind]
    picture = decoding.from_bytes(data, "picture")
    seen = np.ones(colors.shape[:2], bool) if alpha is None else alpha > 0.002
    expected = np.broadcast_to(colors, (*colors.shape[:2], 3)) * 255
    atol = 0.1 if "float16" in kind else 1e-3
    np.testing.assert_allclose(picture.rgb_hwc[seen], expected[seen], atol=atol)
    assert (picture.alpha_hw is None) == (alpha is None)
    if picture.alpha_hw is not None:
        np.testing.assert_allclose(picture.alpha_hw, alpha * 255, atol=1e-3)
    assert picture.notes == ()


def test_cmyk_with_alpha_is_read_as_cmyk() -> None:
    ink = np.zeros((4, 4, 5), np.uint8)
    ink[..., 1:3], ink[..., 4] = 255, 200
    data = _tiff(ink, "separated", **ALPHA_LAST)
    picture = decoding.from_bytes(data, "picture")
    np.testing.assert_allclose(picture.rgb_hwc[0, 0], [255, 0, 0], atol=3)
    assert picture.alpha_hw is not None
    np.testing.assert_allclose(picture.alpha_hw, 200)
    assert picture.notes == ("CMYK without a usable profile: colours are approximate",)


def test_multiplied_colours_are_divided() -> None:
    values = np.full((4, 4, 4), 0.25)
    values[..., 3] = 0.5
    data = _tiff(values, "rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(decoding.from_bytes(data, "a").rgb_hwc, 127.5, atol=0.01)


def test_a_profile_is_converted_in_floats() -> None:
    profile = encoding.srgb_profile().replace(b"para\0\0\0\0\0\3", b"para\0\0\0\0\0\0")
    data = _tiff(VALUES[..., :3], "rgb", iccprofile=profile)
    found = decoding.from_bytes(data, "picture").rgb_hwc
    assert np.abs(found - VALUES[..., :3] * 255).max() > 2
    assert len(np.unique(found)) > 400


@pytest.mark.parametrize("orientation", range(1, 9))
def test_such_a_tiff_is_turned_upright_as_others_are(orientation: int) -> None:
    tag = [(274, "H", 1, orientation, True)]
    floats = _tiff(VALUES[..., :3], "rgb", extratags=tag)
    whole = _tiff(U8[..., :3], "rgb", extratags=tag)
    found, expected = (
        decoding.from_bytes(each, "a").rgb_hwc for each in (floats, whole)
    )
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=0.51)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_tiff(U8[..., 0].astype(np.int64)), "64-bit signed numbers, grey"),
        (_tiff(VALUES[..., 0] * (1 + 1j)), "128-bit complex numbers, grey"),
        (_tiff(U16[..., :3].astype(np.int16), "rgb"), "16-bit signed numbers, RGB"),
        (_tiff(VALUES[..., 0] * 9), "the samples go from"),
    ],
)
def test_other_kinds_are_named(data: bytes, words: str) -> None:
    with pytest.raises(ImageError) as caught:
        decoding.from_bytes(data, "picture a.tif")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_tifffile_the_kind_is_named_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImageError) as caught:
        decoding.from_bytes(KINDS["float64 RGB and alpha, big-endian"][0], "picture")
    assert str(caught.value).startswith(
        "picture: a TIFF of 64-bit floats, RGB and 1 more needs the package tifffile: "
        "install it, or lightstyle's extra formats"
    )


def test_damage_gives_a_picture_or_one_error(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(4)
    for kind in ("float64 RGB and alpha, big-endian", "float32 RGB"):
        whole = KINDS[kind][0]
        for number in range(80):
            data = bytearray(whole)
            if number % 2:
                del data[random.integers(len(data)) :]
            for _ in range(3):
                if data:
                    at = random.integers(min(len(data), 300))
                    data[at] = random.integers(256)
            assert "\n" not in problem(bytes(data) or b"x")
    assert capfd.readouterr().err == ""


def test_a_tag_with_too_many_values_gives_no_warning() -> None:
    data = bytearray(_tiff(VALUES[..., 0]))
    at = data.index(b"\x15\x01\x03\x00\x01\x00\x00\x00")  # samples per pixel
    data[at + 4] = 100
    assert problem(bytes(data)) == ""


def test_pixels_that_are_cut_off_are_an_error() -> None:
    data = KINDS["float64 grey"][0]
    with pytest.raises(ImageError, match="cut off"):
        decoding.from_bytes(data[:-40], "picture")


def test_what_pillow_reads_is_left_to_it() -> None:
    file = io.BytesIO()
    Image.fromarray(U8[..., :3]).save(file, "TIFF")
    found = decoding.from_bytes(file.getvalue(), "picture").rgb_hwc
    np.testing.assert_array_equal(found, U8[..., :3])
