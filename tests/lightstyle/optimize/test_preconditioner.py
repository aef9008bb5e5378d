from itertools import pairwise

import numpy as np
import pytest

from lightstyle.optimize.preconditioner import PyramidMap

SHAPES = [(3, 32, 48), (3, 33, 47), (1, 16, 131), (3, 7, 5)]


def _random_coefficients(pyramid: PyramidMap, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    zero = np.zeros(np.prod(pyramid.shape), np.float32)
    levels = pyramid.adjoint(zero)
    return [random.normal(size=level.shape).astype(np.float32) for level in levels]


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_and_adjoint_belong_together(shape: tuple[int, int, int]) -> None:
    pyramid = PyramidMap(shape)
    z = _random_coefficients(pyramid, 1)
    g = np.random.default_rng(2).normal(size=np.prod(shape)).astype(np.float32)
    left = np.dot(pyramid.forward(z).astype(np.float64), g)
    levels = zip(z, pyramid.adjoint(g), strict=True)
    right = sum(np.sum(a.astype(np.float64) * b) for a, b in levels)
    assert left == pytest.approx(right, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_levels_halve_the_sides_rounded_up(shape: tuple[int, int, int]) -> None:
    levels = _random_coefficients(PyramidMap(shape), 1)
    assert levels[0].shape == shape
    for fine, coarse in pairwise(levels):
        assert coarse.shape == (
            shape[0],
            -(-fine.shape[1] // 2),
            -(-fine.shape[2] // 2),
        )


@pytest.mark.parametrize("shape", SHAPES[:3])
def test_every_level_enlarges_an_even_area_to_an_even_area(
    shape: tuple[int, int, int],
) -> None:
    pyramid = PyramidMap(shape)
    for level in range(len(_random_coefficients(pyramid, 1))):
        z = [np.zeros_like(values) for values in _random_coefficients(pyramid, 1)]
        z[level][:] = 1
        picture = pyramid.forward(z)
        np.testing.assert_allclose(picture, picture[0], rtol=1e-5)


def test_broad_changes_are_favoured_over_detail() -> None:
    pyramid = PyramidMap((1, 64, 64))
    x = np.arange(64)

    def gain(cycles: int) -> float:
        wave = np.cos(2 * np.pi * cycles * (x + 0.5) / 64)
        plane = np.broadcast_to(wave, (64, 64)).astype(np.float32).ravel()
        answer = pyramid.forward(pyramid.adjoint(plane))
        return float(np.dot(plane, answer) / np.dot(plane, plane))

    gains = [gain(cycles) for cycles in (2, 4, 8, 16)]
    ratios = np.divide(gains[:-1], gains[1:])
    assert np.all((ratios > 1.4) & (ratios < 2.6))  # an octave counts about twice
