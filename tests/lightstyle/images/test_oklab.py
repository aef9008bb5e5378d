import numpy as np
import pytest

from lightstyle.images import oklab


@pytest.mark.parametrize(
    ("levels", "lab"),
    [  # CSS Color 4's values of the keywords white, black, red, lime, blue
        ((255, 255, 255), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_known_colours_have_their_published_values(
    levels: tuple[int, ...], lab: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(oklab.to_oklab(np.array(levels)), lab, atol=2e-5)


def test_colours_come_back_even_from_beyond_srgb() -> None:
    levels = np.random.default_rng(0).uniform(-60, 320, (500, 3))
    np.testing.assert_allclose(oklab.from_oklab(oklab.to_oklab(levels)), levels)


def test_greys_have_no_chroma_and_the_level_of_their_lightness() -> None:
    levels = np.repeat(np.arange(256)[:, None], 3, axis=1)
    lab = oklab.to_oklab(levels)
    np.testing.assert_allclose(lab[:, 1:], 0, atol=1e-7)
    np.testing.assert_allclose(oklab.grey_levels(lab[:, 0]), levels[:, 0], atol=1e-4)


def test_srgb_has_its_own_colours_and_no_others() -> None:
    inside = np.random.default_rng(1).uniform(0, 255, (500, 3))
    inside[:6] = 255 * np.array(
        [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]]
    )
    assert oklab.is_color(oklab.to_oklab(inside)).all()
    outside = inside.copy()
    outside[np.arange(500), np.arange(500) % 3] = np.tile([-0.5, 255.5], 250)
    assert not oklab.is_color(oklab.to_oklab(outside)).any()


def test_the_nearest_colour_keeps_lightness_and_hue_and_is_on_the_border() -> None:
    random = np.random.default_rng(2)
    lab = np.column_stack(
        [random.uniform(0.02, 0.98, 300), random.normal(0, 0.4, (300, 2))]
    )
    lab = lab[~oklab.is_color(lab)]
    found = oklab.nearest_color(lab)
    levels = oklab.from_oklab(found)
    assert levels.min() > -0.01
    assert levels.max() < 255.01
    np.testing.assert_array_equal(found[:, 0], lab[:, 0])
    np.testing.assert_allclose(
        np.arctan2(found[:, 2], found[:, 1]), np.arctan2(lab[:, 2], lab[:, 1])
    )
    more = found * [1, 1.001, 1.001]
    assert not oklab.is_color(more).any()
