import numpy as np
import pytest

from lightstyle.optimize.vectors import combination, dot


def test_products_beyond_float32_are_infinite_without_a_warning() -> None:
    huge = np.full(100, 1e38, np.float32)
    assert dot(huge, huge) == np.inf
    assert np.isinf(combination(huge, np.array([1e300]), huge[None])).all()


def test_products_are_those_of_float64() -> None:
    random = np.random.default_rng(1)
    left, right = random.normal(size=(2, 20_001)).astype(np.float32)
    expected = float(left.astype(np.float64) @ right.astype(np.float64))
    assert dot(left, right) == pytest.approx(expected, rel=1e-4, abs=1e-2)
    both = np.stack([left, right])
    made = combination(left, np.array([2.0, -1.0]), both)
    np.testing.assert_allclose(made, 3 * left - right, rtol=1e-5, atol=1e-5)
