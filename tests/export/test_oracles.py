import numpy as np
import pytest

from tests.support import oracles


@pytest.mark.parametrize("error", [0.0005, -0.0005])
def test_the_checker_rejects_a_gradient_wrong_by_a_twentieth_of_a_percent(
    error: float,
) -> None:
    at = np.random.default_rng(0).normal(size=20)

    def cubes(x: np.ndarray) -> float:
        return float(np.sum(x**3))

    right = 3 * at**2
    assert oracles.directional_error(cubes, right, at) < 1e-6
    assert oracles.directional_error(cubes, right * (1 + error), at) > 1e-4


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("size", [(6, 8), (7, 5)], ids=str)
def test_the_oracle_itself_agrees_with_central_differences(
    kind: str, size: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    at, kernel = random.normal(size=(3, *size)), random.normal(size=(4, 3, 3, 3))
    weights = random.normal(size=(4, size[0] // 2, size[1] // 2))

    def function(x: np.ndarray) -> float:
        pooled = oracles.pool(oracles.conv(x, kernel, np.zeros(4)), kind)
        return float(np.sum(weights * pooled))

    inner = oracles.conv(at, kernel, np.zeros(4))
    gradient = oracles.conv_gradient(
        oracles.pool_gradient(inner, weights, kind), kernel
    )
    assert oracles.directional_error(function, gradient, at) < 1e-6
