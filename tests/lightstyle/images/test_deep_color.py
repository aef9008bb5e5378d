import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lightstyle.images import decoding, deep_color, encoding, sixteen_bit
from tests.support.picture_files import encoded, exif, png

_RANDOM = np.random.default_rng(3)
SAMPLES = _RANDOM.integers(0, 65536, (13, 19, 4), dtype=np.uint16)
SAMPLES[0, 0, 3], SAMPLES[0, 1:, 3] = 0, 65535


def _tiff(samples: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, photometric="rgb", **options)
    return file.getvalue()


def _assert_exact(data: bytes, rgb: NDArray[Any], alpha: Any = None) -> None:
    picture = decoding.from_bytes(data, "picture")
    visible = np.ones(rgb.shape[:2], bool) if alpha is None else alpha >= 129
    expected = rgb.astype(np.float32) / np.float32(257)
    np.testing.assert_array_equal(picture.rgb_hwc[visible], expected[visible])
    if alpha is None:
        assert picture.alpha_hw is None
    else:
        np.testing.assert_array_equal(picture.alpha_hw, alpha.astype(np.float32) / 257)
    assert picture.notes == ()


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_png_keeps_every_level_of_colour(channels: int) -> None:
    samples = SAMPLES[..., -channels:]
    rgb = samples if channels == 3 else samples[..., :-1]
    rgb = np.broadcast_to(rgb, (*rgb.shape[:2], 3))
    _assert_exact(png(samples), rgb, None if channels == 3 else samples[..., -1])


def test_our_own_16_bit_files_come_back_as_they_were() -> None:
    levels = SAMPLES.astype(np.float32) / np.float32(257)
    rgb, alpha = levels[..., :3], levels[..., 3]
    for suffix in (".png", ".tif"):
        data = encoding.encoded(Path(f"a{suffix}"), rgb, alpha_hw=alpha, bits=16)
        _assert_exact(data, SAMPLES[..., :3], SAMPLES[..., 3])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("extra", [None, "unassalpha", "unspecified"])
def test_16_bit_tiff_keeps_every_level_of_colour(
    order: Any, compression: Any, extra: Any
) -> None:
    samples = SAMPLES[..., : 3 if extra is None else 4]
    data = _tiff(
        samples,
        byteorder=order,
        compression=compression,
        predictor=bool(compression),
        extrasamples=extra and [extra],
        tile=(16, 16) if order == "<" else None,
    )
    alpha = SAMPLES[..., 3] if extra == "unassalpha" else None
    _assert_exact(data, SAMPLES[..., :3], alpha)


def test_premultiplied_16_bit_colours_are_divided_by_alpha() -> None:
    alpha = SAMPLES[..., 3:]
    multiplied = np.rint(SAMPLES * (alpha / 65535)).astype(np.uint16)
    multiplied[..., 3:] = alpha
    picture = decoding.from_bytes(_tiff(multiplied, extrasamples=["assocalpha"]), "a")
    clear = alpha[..., 0] > 20000
    difference = picture.rgb_hwc * 257 - SAMPLES[..., :3]
    assert np.abs(difference[clear]).max() < 3


@pytest.mark.parametrize("extra", [None, "unassalpha", "unspecified"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_planes_keep_every_level_of_colour(order: Any, extra: Any) -> None:
    planes = SAMPLES[..., : 3 if extra is None else 4].transpose(2, 0, 1)
    data = _tiff(
        planes,
        planarconfig="separate",
        byteorder=order,
        extrasamples=extra and [extra],
        tile=(16, 16) if order == "<" else None,
    )
    alpha = SAMPLES[..., 3] if extra == "unassalpha" else None
    _assert_exact(data, SAMPLES[..., :3], alpha)
    whole = decoding.from_bytes(data, "picture").rgb_hwc
    smaller = decoding.from_bytes(data, "picture", longest=2).rgb_hwc
    assert abs(whole.mean() - smaller.mean()) < 12  # however it is read


def test_compressed_16_bit_planes_are_read_right_and_their_loss_is_said() -> None:
    planes = SAMPLES[..., :3].transpose(2, 0, 1)
    data = _tiff(planes, planarconfig="separate", compression="zlib")
    picture = decoding.from_bytes(data, "picture")
    assert np.abs(picture.rgb_hwc * 257 - SAMPLES[..., :3]).max() < 257
    assert "8 are read" in picture.notes[0]


def test_a_transparent_colour_of_16_bits_hides_only_itself() -> None:
    samples = SAMPLES[..., :3].copy()
    samples[5, 5] = samples[2, 2] + np.array([0, 0, 1], np.uint16)
    hidden = samples[2, 2].astype(">u2").tobytes()
    alpha = decoding.from_bytes(png(samples, (b"tRNS", hidden)), "a").alpha_hw
    assert alpha is not None
    assert np.argwhere(alpha == 0).tolist() == [[2, 2]]


def test_a_transparent_grey_of_16_bits_hides_only_itself() -> None:
    grey = SAMPLES[..., 0].copy()
    grey[5, 5] = grey[2, 2] + 1
    hidden = int(grey[2, 2]).to_bytes(2)
    picture = decoding.from_bytes(png(grey, (b"tRNS", hidden)), "a")
    assert picture.alpha_hw is not None
    assert np.argwhere(picture.alpha_hw == 0).tolist() == [[2, 2]]
    assert (picture.rgb_hwc[2, 2] == 255).all()


def test_16_bit_colour_is_turned_upright() -> None:
    rgb = SAMPLES[..., :3]
    orientation = exif(6).tobytes().removeprefix(b"Exif\0\0")
    stored = np.rot90(rgb)  # orientation 6: turn it by 90° clockwise
    _assert_exact(png(np.ascontiguousarray(stored), (b"eXIf", orientation)), rgb)


def test_16_bit_colour_goes_through_a_profile_of_curves_without_steps() -> None:
    ramp = np.arange(20000, 24000, dtype=np.uint16)[None, :, None].repeat(3, axis=2)
    image = Image.fromarray((ramp >> 8).astype(np.uint8))
    p3 = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    dim = p3.replace(b"para\0\0\0\0\0\3", b"para\0\0\0\0\0\0")  # a plain power
    data = sixteen_bit.encode_png(ramp, dim)
    found = decoding.from_bytes(data, "a").rgb_hwc[0, :, 0]
    assert (np.diff(found) > 0).all()  # Little CMS would leave 16 levels
    by_little_cms = decoding.from_bytes(encoded(image, "PNG", icc_profile=dim), "a")
    assert np.abs(found - by_little_cms.rgb_hwc[0, :, 0]).max() < 2


def test_bits_that_are_not_read_are_noted() -> None:
    flat = Image.new("RGB", (16, 16), "#777")
    for format_, mark, offset, value in (
        ("AVIF", b"pixi", 9, 10),
        ("JPEG2000", b"\xff\x51\0", 40, 9),  # less one
    ):
        data = encoded(flat, format_)
        assert decoding.from_bytes(data, "picture").notes == ()
        deeper = bytearray(data)
        deeper[data.index(mark) + offset] = value
        with Image.open(io.BytesIO(data)) as image:
            (note,) = deep_color.lost(image, bytes(deeper))
        assert note.startswith("10 bits per channel, of which 8 are read; save it as")


@pytest.mark.parametrize("channels", [4, 5])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_bits_of_ink_that_are_not_read_are_noted(byteorder: str, channels: int) -> None:
    alpha = ["unassalpha"] * (channels - 4)
    for bits in (8, 16):
        ink = np.dstack([SAMPLES >> 16 - bits, SAMPLES[..., 3] >> 16 - bits])
        ink = ink[..., :channels].astype(f"{byteorder}u{bits // 8}")
        file = io.BytesIO()
        tifffile.imwrite(file, ink, photometric="separated", extrasamples=alpha)
        notes = decoding.from_bytes(file.getvalue(), "picture").notes
        said = [note for note in notes if "16 bits per channel, of which 8" in note]
        assert len(said) == (bits == 16)
