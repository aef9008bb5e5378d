from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle import images
from lightstyle.errors import ImageError, UsageError
from lightstyle.images.loading import load
from lightstyle.images.picture import Picture, fitted_size, resized
from tests.support.picture_files import RGB, exif

# Arrays and PIL images


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "f2", "f4", ">f8"])
@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_arrays_of_every_type_and_shape(dtype: str, channels: int) -> None:
    top = {"u": 255 if dtype == "u1" else 65535, "f": 1}[np.dtype(dtype).kind]
    shape = (5, 7, channels) if channels else (5, 7)
    unit = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    array = (unit * top).astype(dtype)
    before = array.copy()
    picture = load(array)
    expected = array.astype(np.float64) / top * 255
    if channels < 3:
        expected = np.repeat(expected.reshape(5, 7, 1), 3, axis=2)
    assert picture.rgb_hwc.shape == (5, 7, 3)
    seen = slice(1, None)  # alpha starts at 0
    np.testing.assert_allclose(
        picture.rgb_hwc[seen], expected[seen, ..., :3], rtol=1e-5, atol=1e-4
    )
    assert (picture.alpha_hw is None) == (channels < 4)
    assert np.array_equal(array, before)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((4, 4, 3), bool), "are bool"),
        (np.zeros((4, 4, 3), np.int64), "are int64"),
        (np.zeros((4, 4, 3), complex), "are complex128"),
        (np.zeros((4, 4, 3), object), "are object"),
        (np.full((4, 4, 3), 1.01), "1.01, expected 0 to 1"),
        (np.full((4, 4, 3), -0.01), "-0.01 to"),
        (np.full((4, 4, 3), np.nan), "nan"),
        (np.full((4, 4, 3), np.inf), "inf"),
        (np.zeros((4, 4, 2)), "4×4×2"),
        (np.zeros((2, 4, 4, 3)), "2×4×4×3"),
        (np.zeros(4), "shape 4"),
        (np.zeros(()), "no dimensions"),
        (np.zeros((0, 4, 3)), "0×4×3"),
    ],
)
def test_unusable_arrays_are_refused(array: NDArray[Any], problem: str) -> None:
    with pytest.raises(ImageError, match=f"^style array: .*{problem}.*$"):
        load(array, role="style")


@pytest.mark.parametrize("source", [None, 3, [[1, 2]]])
def test_other_sources_are_refused(source: Any) -> None:
    with pytest.raises(UsageError, match="expected a path, the bytes of a file,"):
        load(source)


def test_a_pil_image_is_not_modified() -> None:
    image = Image.fromarray(RGB)
    image.info["exif"] = exif(6).tobytes()  # lying on its side
    info, before = dict(image.info), image.tobytes()
    load(image).rgb_hwc[:] = 0
    assert image.info == info
    assert image.tobytes() == before
    assert image.size == (17, 12)


# Sizes


def test_resizing_keeps_flat_colour_and_fractions_of_a_level() -> None:
    flat = Picture(np.full((40, 30, 3), 100.25, np.float32), None, ("a note",))
    small = resized(flat, (20, 25))
    assert small.rgb_hwc.shape == (25, 20, 3)
    assert small.rgb_hwc.dtype == np.float32
    assert small.notes == ("a note",)
    np.testing.assert_allclose(small.rgb_hwc, 100.25, rtol=1e-6)


def test_resizing_is_antialiased_and_stays_in_range() -> None:
    board = np.indices((64, 64)).sum(0) % 2 * np.float32(255)
    small = resized(Picture(np.repeat(board[..., None], 3, 2), None), (16, 16))
    np.testing.assert_allclose(small.rgb_hwc[4:-4, 4:-4], 127.5, atol=1)
    step = np.zeros((8, 8, 3), np.float32)
    step[:, 4:] = 255
    large = resized(Picture(step, None), (31, 31)).rgb_hwc
    assert large.min() == 0
    assert large.max() == 255


def test_transparent_colours_do_not_bleed() -> None:
    rgb = np.full((32, 32, 3), (10, 200, 30), np.float32)
    alpha = np.full((32, 32), 255, np.float32)
    rgb[:, 16:], alpha[:, 16:] = 255, 0
    small = resized(Picture(rgb, alpha), (9, 9))
    assert small.alpha_hw is not None
    seen = small.alpha_hw >= 0.5
    assert 0 < seen.sum() < seen.size
    np.testing.assert_allclose(
        small.rgb_hwc[seen], np.broadcast_to([10, 200, 30], (seen.sum(), 3)), atol=0.1
    )
    assert (small.rgb_hwc[~seen] == 255).all()


def test_resizing_to_the_same_size_is_free() -> None:
    picture = load(RGB)
    assert resized(picture, (17, 12)) is picture


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_resizing_to_nothing_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        resized(load(RGB), size)


@pytest.mark.parametrize(
    ("width", "height", "longest", "enlarge", "expected"),
    [
        (1024, 768, 512, False, (512, 384)),
        (768, 1024, 512, False, (384, 512)),
        (1000, 667, 512, False, (512, 342)),
        (300, 200, 512, False, (300, 200)),
        (300, 200, 512, True, (512, 341)),
        (1, 1, 64, True, (64, 64)),
        (32, 32, 512, False, (32, 32)),
    ],
)
def test_the_longest_side_is_fitted_and_enlarged_only_if_told(
    width: int, height: int, longest: int, enlarge: bool, expected: tuple[int, int]
) -> None:
    assert fitted_size((width, height), longest, enlarge=enlarge) == expected


@pytest.mark.parametrize(
    ("width", "height", "longest", "enlarge", "error", "problem"),
    [
        (1, 1, 512, False, ImageError, "style: 1×1 pixels, .* at least 32"),
        (20000, 1, 512, False, ImageError, "style: 20000×1 pixels"),
        (400, 20, 512, False, ImageError, "--enlarge it to a --size of 640 or more$"),
        (40, 20, 512, False, ImageError, "--enlarge it$"),
        (20000, 1, 512, True, UsageError, "512×1"),
        (2000, 100, 512, False, UsageError, "choose a size of 640 or more"),
        (800, 600, 31, False, UsageError, "size is 31, .* at least 32"),
        (800, 600, -5, True, UsageError, "size is -5"),
    ],
)
def test_sizes_that_the_network_cannot_take_are_refused(
    width: int,
    height: int,
    longest: int,
    enlarge: bool,
    error: type[Exception],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        fitted_size((width, height), longest, enlarge=enlarge, role="style")


def test_the_size_that_is_advised_works() -> None:
    assert min(fitted_size((2000, 100), 640)) >= 32
    assert min(fitted_size((400, 20), 640, enlarge=True)) >= 32


# Tensors


def test_pixels_are_a_copy_that_turns_back_into_the_image() -> None:
    image = load(RGB).rgb_hwc
    pixels = images.to_pixels(image)
    assert pixels.shape == (1, 3, 12, 17)
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    assert np.array_equal(pixels[0, 1], RGB[..., 1])
    assert np.array_equal(images.from_pixels(pixels), image)
    pixels[:] = -1
    assert np.array_equal(image, RGB)


def test_pixels_out_of_range_are_clipped() -> None:
    pixels = np.array([-3.0, 128.5, 300.0], np.float64).reshape(1, 3, 1, 1)
    assert np.array_equal(images.from_pixels(pixels)[0, 0], [0, 128.5, 255])
