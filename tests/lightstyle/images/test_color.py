from typing import Any

import numpy as np
import pytest

from lightstyle.images import color, oklab
from lightstyle.images.picture import Picture
from lightstyle.settings.choices import Color
from tests.support.networks import picture

#: a and b of sRGB's colours lie within −0.32…0.28.
RANGE = 0.6


def _image(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.ascontiguousarray(picture(height, width, seed).transpose(1, 2, 0))


def _half_transparent(seed: int) -> Picture:
    image, alpha = _image(seed), np.full((40, 60), 255, np.float32)
    alpha[:, 30:], image[:, 30:] = 0, 255
    return Picture(image, alpha)


def _moments(colors: np.ndarray) -> Any:
    colors = colors.reshape(-1, 3).astype(float)
    return pytest.approx(colors.mean(0), rel=1e-3), pytest.approx(
        np.cov(colors.T, bias=True), rel=1e-3, abs=1e-3
    )


def test_the_chroma_is_the_contents_but_for_clipped_pixels() -> None:
    made, content = _image(1), _image(2)
    found, clipped = color.with_chroma(made, content)
    lab, of_content = oklab.to_oklab(found), oklab.to_oklab(content)
    np.testing.assert_allclose(lab[..., 0], oklab.to_oklab(made)[..., 0], atol=1e-5)
    same = np.abs(lab - of_content)[..., 1:].max(axis=-1) < 1e-5 * RANGE
    assert 1 - same.mean() == pytest.approx(clipped, abs=1e-9)
    assert 0.02 < clipped < 0.8
    less = np.hypot(*lab[~same][:, 1:].T) / np.hypot(*of_content[~same][:, 1:].T)
    assert less.max() < 1
    assert found.min() >= 0
    assert found.max() <= 255


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_grey_content_makes_a_grey_picture(level: int) -> None:
    made = _image(3)
    made[:5], made[5:10] = 255, 0
    found, clipped = color.with_chroma(made, np.full((40, 60, 3), level, np.float32))
    np.testing.assert_allclose(np.ptp(found, axis=2), 0, atol=1e-3)
    assert clipped == 0


def test_a_picture_keeps_its_own_chroma() -> None:
    found, clipped = color.with_chroma(_image(4), _image(4))
    np.testing.assert_allclose(found, _image(4), atol=1e-3)
    assert clipped == 0


def test_grey_has_the_lightness_and_no_colour() -> None:
    found = color.grey(_image(5))
    np.testing.assert_array_equal(np.ptp(found, axis=2), 0)
    lightness, before = (oklab.to_oklab(x)[..., 0] for x in (found, _image(5)))
    np.testing.assert_allclose(lightness, before, atol=1e-5)


def test_large_pictures_are_changed_as_small_ones() -> None:
    image = _image(6, 900, 700)
    found = color.mapped(image, lambda levels: 255 - levels)
    np.testing.assert_array_equal(found, 255 - image)


@pytest.mark.parametrize("palette", [_image(7), color.grey(_image(7))])
def test_a_matched_style_has_the_mean_and_covariance_of_the_palette(
    palette: np.ndarray,
) -> None:
    style, colors = Picture(_image(8), None), Picture(palette, None)
    mean, covariance = _moments(palette)
    found = color.as_style(Color.MATCH_STYLE, style, colors).reshape(-1, 3)
    assert found.mean(0, np.float64) == mean
    assert np.cov(found.T, bias=True) == covariance


def test_luminance_transfer_shows_the_network_greys_of_the_contents_range() -> None:
    content, style = (
        Picture(_image(9), None),
        Picture((_image(10) / 3).astype(np.float32), None),
    )
    seen = color.as_content(Color.CONTENT_CHROMA, content.rgb_hwc)
    painted = color.as_style(Color.CONTENT_CHROMA, style, content)
    for found in (seen, painted):
        np.testing.assert_allclose(np.ptp(found, axis=2), 0, atol=1e-3)
    assert painted.mean() == pytest.approx(seen.mean(), rel=1e-4)
    assert painted.std() == pytest.approx(seen.std(), rel=1e-4)


def test_what_is_transparent_has_no_part_in_a_palette() -> None:
    palette = _half_transparent(11)
    shown = Picture(palette.rgb_hwc[:, :30], None)
    style, made = Picture(_image(12), None), _half_transparent(13)
    found, expected = (
        color.as_style(Color.MATCH_STYLE, style, colors) for colors in (palette, shown)
    )
    np.testing.assert_array_equal(found, expected)
    ended, _ = color.finished(Color.CONTENT_HISTOGRAM, made, palette)
    visible = Picture(made.rgb_hwc[:, :30], None)
    alone, _ = color.finished(Color.CONTENT_HISTOGRAM, visible, shown)
    np.testing.assert_array_equal(ended[:, :30], alone)


def test_of_a_picture_that_is_all_transparent_every_pixel_counts() -> None:
    nothing = Picture(_image(14), np.zeros((40, 60), np.float32))
    found, _ = color.finished(
        Color.CONTENT_HISTOGRAM, Picture(_image(15), None), nothing
    )
    assert found.mean() == pytest.approx(_image(14).mean(), abs=2)


def test_the_styles_colours_are_left_alone() -> None:
    image, palette = _image(16), Picture(_image(17), None)
    assert color.as_content(Color.STYLE, image) is image
    assert color.as_style(Color.STYLE, Picture(image, None), palette) is image
    assert color.finished(Color.STYLE, Picture(image, None), palette) == (image, ())
