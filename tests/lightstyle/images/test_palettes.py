import numpy as np
import pytest

from lightstyle.images.palettes import distribution_map, linear_map


def _colors(seed: int, count: int = 4000) -> np.ndarray:
    """Correlated colours, a skewed cloud within 0…255."""
    random = np.random.default_rng(seed)
    mixed = random.gamma(2.0, 1.0, (count, 3)) @ random.normal(size=(3, 3))
    spread = (mixed - mixed.min(axis=0)) / np.ptp(mixed, axis=0)
    colors: np.ndarray = random.uniform(0, 60, 3) + spread * 190
    return colors.astype(np.float32)


def _grey(seed: int) -> np.ndarray:
    return np.repeat(_colors(seed)[:, :1], 3, axis=1)


def _covariance(colors: np.ndarray) -> np.ndarray:
    return np.cov(colors.T, bias=True)


def _flat(seed: int) -> np.ndarray:
    return np.full((50, 3), 10.0 * seed, np.float32)


@pytest.mark.parametrize(
    ("colors", "palette"),
    [
        (_colors(1), _colors(2)),
        (_colors(1), _grey(2)),
        (_grey(1), _grey(2)),
        (_colors(1), _flat(2)),
        (_flat(1), _flat(2)),
    ],
)
def test_mean_and_covariance_become_the_palettes(
    colors: np.ndarray, palette: np.ndarray
) -> None:
    made = linear_map(colors, palette)(colors)
    np.testing.assert_allclose(made.mean(0), palette.mean(0, np.float64), rtol=1e-6)
    aim = _covariance(palette)
    np.testing.assert_allclose(_covariance(made), aim, atol=1e-6 * max(1, aim.max()))


def test_of_all_such_maps_it_moves_the_colours_least() -> None:
    colors, palette = _colors(3), _colors(4)
    made = linear_map(colors, palette)(colors)
    moved = np.sum((made - colors) ** 2)

    def root(covariance: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(covariance)
        symmetric: np.ndarray = vectors * np.sqrt(values) @ vectors.T
        return symmetric

    off, mean = colors - colors.mean(0), palette.mean(0)
    for roots in (root, np.linalg.cholesky):  # Image Analogies', and Cholesky's
        matrix = roots(_covariance(palette)) @ np.linalg.inv(roots(_covariance(colors)))
        assert np.sum((off @ matrix.T + mean - colors) ** 2) > moved


def test_the_order_of_the_channels_does_not_matter() -> None:
    colors, palette = _colors(5), _colors(6)
    turned = linear_map(colors[:, ::-1], palette[:, ::-1])(colors[:, ::-1])
    straight = linear_map(colors, palette)(colors)
    np.testing.assert_allclose(turned[:, ::-1], straight, rtol=1e-6)


def test_a_grey_picture_gets_the_colours_that_regression_finds_for_its_greys() -> None:
    colors, palette = _grey(7), _colors(8)
    made = linear_map(colors, palette)(colors)
    np.testing.assert_allclose(made.mean(0), palette.mean(0), rtol=1e-4)
    means, aims = made.mean(axis=1), palette.mean(axis=1)
    assert means.var() == pytest.approx(aims.var(), rel=1e-4)
    found = np.polyfit(means, made, 1)
    np.testing.assert_allclose(found, np.polyfit(aims, palette, 1), rtol=1e-4)


def test_noise_is_not_enlarged_to_colours() -> None:
    random = np.random.default_rng(9)
    colors = _grey(9) + random.normal(0, 0.4, (4000, 3))  # as rounding leaves it
    made = linear_map(colors, _colors(10))(colors)
    assert np.linalg.matrix_rank(_covariance(made), tol=1e-6) == 1


def test_the_distribution_becomes_the_palettes() -> None:
    colors, palette = _colors(11), _colors(12, 3000)
    made = distribution_map(colors, palette)(colors)
    directions = np.random.default_rng(0).normal(size=(3, 20))
    directions /= np.linalg.norm(directions, axis=0)
    shares = np.linspace(0.01, 0.99, 50)
    aim = np.quantile(palette @ directions, shares, axis=0)
    distance, linear = (
        np.abs(np.quantile(found @ directions, shares, axis=0) - aim).mean()
        for found in (made, linear_map(colors, palette)(colors))
    )
    assert distance < 1.5
    assert distance < 0.5 * linear


@pytest.mark.parametrize("colors", [_colors(13), _grey(13), _flat(13)])
@pytest.mark.parametrize("palette", [_colors(14), _grey(14), _flat(14)])
def test_any_palette_can_be_asked_for(colors: np.ndarray, palette: np.ndarray) -> None:
    made = distribution_map(colors, palette)(colors)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(made.mean(0), palette.mean(0), atol=10)


def test_a_sample_of_a_large_picture_is_enough() -> None:
    colors = _colors(15, 3999)
    many = np.tile(colors, (200, 1))
    few, found = (distribution_map(each, each / 2) for each in (colors, many))
    np.testing.assert_allclose(few(colors), found(colors), atol=1)
