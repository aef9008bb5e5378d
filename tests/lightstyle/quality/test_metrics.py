"""Each formula against its definition, written out, and against closed forms."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from lightstyle.quality import metrics
from lightstyle.quality.metrics import Moments

Array = NDArray[np.float32]


def _noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def _flat(level: float, side: int = 16) -> Array:
    return np.full((side, side, 3), level, np.float32)


def _features(channels: int, positions: int, seed: int = 0) -> Array:
    values = np.random.default_rng(seed).normal(size=(channels, positions))
    return np.maximum(300 * values, 0).astype(np.float32)


def test_psnr_is_the_textbook_s() -> None:
    assert metrics.psnr(_flat(100), _flat(105)) == pytest.approx(34.1514, abs=1e-4)
    assert metrics.psnr(_flat(0), _flat(255)) == 0
    assert metrics.psnr(_flat(7), _flat(7)) == np.inf


@pytest.mark.parametrize("image", [_noise(20, 30, 3), _flat(0), _flat(255)])
def test_ssim_of_equal_pictures_is_one(image: Array) -> None:
    assert metrics.ssim(image, image.copy()) == pytest.approx(1, abs=1e-12)


def test_ssim_of_flat_pictures_is_the_luminance_term() -> None:
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert metrics.ssim(_flat(100), _flat(150)) == pytest.approx(expected, rel=1e-9)


def test_ssim_is_that_of_its_paper() -> None:
    one, other = _noise(14, 13, 3), _noise(14, 13, 3, seed=1)
    other = 0.6 * one + 0.4 * other
    x, y = (i.astype(np.float64) @ [0.299, 0.587, 0.114] for i in (one, other))
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for row in range(14 - 10):
        for column in range(13 - 10):
            a, b = (p[row : row + 11, column : column + 11] for p in (x, y))
            m, n = (window * a).sum(), (window * b).sum()
            s, t = (window * (a - m) ** 2).sum(), (window * (b - n) ** 2).sum()
            covariance = (window * (a - m) * (b - n)).sum()
            above = (2 * m * n + c1) * (2 * covariance + c2)
            values.append(above / ((m * m + n * n + c1) * (s + t + c2)))
    assert metrics.ssim(one, other) == pytest.approx(np.mean(values), rel=1e-9)
    assert metrics.ssim(one, 255 - one) < 0


def test_the_colour_histogram_is_that_of_its_paper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = _noise(2, 3, 3)
    bins, epsilon = np.linspace(-3, 3, 64), 1e-6
    expected = np.zeros((3, 64, 64))
    for pixel in image.reshape(-1, 3).astype(np.float64) / 255:
        brightness = np.sqrt((pixel**2).sum() + epsilon)
        for c, (a, b) in enumerate(((1, 2), (0, 2), (0, 1))):
            u, v = (np.log((pixel[c] + epsilon) / (pixel[k] + epsilon)) for k in (a, b))
            near = [1 / (1 + (abs(x - bins) / 0.02) ** 2) for x in (u, v)]
            expected[c] += brightness * np.outer(*near)
    monkeypatch.setattr(metrics, "_COLUMNS", 4)
    found = metrics.colour_histogram(image)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=2e-3)


def test_colours_do_not_depend_on_size_or_order_nor_grey_on_its_level() -> None:
    image = _noise(8, 8, 3)
    histogram = metrics.colour_histogram(image)
    twice = metrics.colour_histogram(np.concatenate([image[::-1], image]))
    assert metrics.hellinger(histogram, twice) == pytest.approx(0, abs=1e-3)
    greys = [metrics.colour_histogram(_flat(level)) for level in (0, 20, 200)]
    for grey in greys[1:]:
        assert metrics.hellinger(greys[0], grey) == pytest.approx(0, abs=1e-6)
    red = metrics.colour_histogram(_flat(200) * np.array([1, 0.1, 0.1], "f4"))
    assert metrics.hellinger(greys[2], red) > 0.8


def test_hellinger_s_distance_is_known_for_tiny_histograms() -> None:
    half, first, last = (np.array(h) for h in ([0.5, 0.5], [1.0, 0.0], [0.0, 1.0]))
    assert metrics.hellinger(half, half) == 0
    assert metrics.hellinger(first, last) == pytest.approx(1)
    assert metrics.hellinger(half, first) == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))


def test_moments_are_mean_and_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    features = _features(5, 70)
    monkeypatch.setattr(metrics, "_COLUMNS", 32)
    mean, covariance = metrics.moments(features)
    np.testing.assert_allclose(mean, features.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(features, bias=True), rtol=1e-5)


def test_the_distance_of_independent_gaussians_adds_over_their_axes() -> None:
    one = Moments(np.array([0.0, 3.0]), np.diag([4.0, 1.0]))
    other = Moments(np.array([4.0, 3.0]), np.diag([1.0, 16.0]))
    expected = np.sqrt(4**2 + (2 - 1) ** 2 + (1 - 4) ** 2)
    assert metrics.wasserstein(one, other) == pytest.approx(expected)


# With 4 positions the covariances of 6 channels are singular.
@pytest.mark.parametrize("positions", [200, 4])
def test_the_distance_of_gaussians_is_the_closed_form(positions: int) -> None:
    one, other = (metrics.moments(_features(6, positions, s)) for s in (1, 2))
    a, b = one.covariance, other.covariance
    root = np.real(sqrtm(a + 1e-9 * np.eye(6)))
    cross = np.real(sqrtm(root @ b @ root + 1e-9 * np.eye(6)))
    square = np.sum((one.mean - other.mean) ** 2) + np.trace(a + b - 2 * cross)
    found = metrics.wasserstein(one, other)
    assert found == pytest.approx(np.sqrt(square), rel=1e-4)
    assert metrics.wasserstein(other, one) == pytest.approx(found)
    assert metrics.wasserstein(one, one) == pytest.approx(0, abs=1e-4 * found)


def _structure_by_definition(picture: Array, content: Array) -> float:
    def similarity(features: Array) -> NDArray[np.float64]:
        rows = features.T.astype(np.float64) / 57.63 / 256
        raised = np.exp(rows @ rows.T)
        shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return shares

    p, q = similarity(content), similarity(picture)
    return float(np.sum(p * np.log(p / q)))


@pytest.mark.parametrize("rows", [512, 3])
def test_structural_distance_is_that_of_its_paper_for_512_pixels(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(metrics, "_ROWS", rows)
    picture, content = (100 * _features(4, 10, seed) for seed in (1, 2))
    expected = _structure_by_definition(picture, content) * 128**2 / 10
    found = metrics.structural_distance(picture, content)
    assert expected > 1
    assert found == pytest.approx(expected, rel=1e-3)
    assert metrics.structural_distance(content, content) == 0


def test_structural_distance_of_blank_pictures_is_none() -> None:
    blank = np.zeros((4, 9), np.float32)
    assert metrics.structural_distance(blank, blank) == 0
