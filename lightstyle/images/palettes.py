"""Finds maps that give one set of colours the palette of another.

A set of colours is (N, 3) in sRGB levels, 0…255: the pixels of a picture that count. A
map acts on each colour alone, so pictures are changed a few rows at a time.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .oklab import Values, from_oklab, to_oklab

#: Changes colours, levels (…, 3); the results may exceed 0…255.
Map = Callable[[NDArray[Any]], Values]

#: Knots of a monotone curve, and its values at them.
Curve = tuple[Values, Values]

#: Standard deviation, in levels, below which a direction has only noise: enlarged to
#: the deviation of a palette, rounding and JPEG artefacts would show.
_NOISE: Final = 1.0

#: Parameters of `distribution_map`: rotations of the axes, knots of each curve, and
#: pixels that are enough to fit them.
_TURNS, _KNOTS, _SAMPLE = 12, 17, 1 << 16

#: Pixels processed at a time, in float64.
BAND: Final = 1 << 18


def linear_map(colors: NDArray[Any], palette: NDArray[Any]) -> Map:
    """Return the linear map that gives `colors` the mean and covariance of `palette`.

    Linear colour matching as in Gatys et al., "Preserving Color in Neural Artistic
    Style Transfer" (arXiv:1606.05897), in RGB: x ↦ A (x − μ) + μ_p with A Σ Aᵀ = Σ_p.
    With roots F Fᵀ = Σ and F_p F_pᵀ = Σ_p, every A = F_p R F⁻¹ will do, R orthogonal.
    The paper takes R = 1 and the symmetric roots ("Image Analogies") or the triangular
    ones (Cholesky's). Departure: R is the orthogonal matrix nearest to F_pᵀ F, with
    which A does not depend on the roots and moves the colours least:
    A = Σ^−½ (Σ^½ Σ_p Σ^½)^½ Σ^−½ (Pitié and Kokaram, "The linear Monge-Kantorovitch
    linear colour mapping", 2007). It is symmetric, so it inverts no hue; on
    paintings it looks nearly the same as the paper's first.

    Unlike those it is defined for singular covariances. A grey palette is matched
    exactly. Directions in which `colors` do not vary stay flat, as with any linear map:
    a grey picture gets the palette's mean and variance of grey, and at each grey the
    colour that linear regression finds in the palette for it.

    Args:
        colors: (N, 3), sRGB levels, at least one.
        palette: (M, 3), the same.
    """
    mean, factor, inverse = _factors(colors, least=_NOISE)
    target, target_factor, _ = _factors(palette, least=0.0)
    left, _, right = np.linalg.svd(target_factor.T @ factor, full_matrices=False)
    matrix = target_factor @ left @ right @ inverse
    return lambda levels: (levels - mean) @ matrix.T + target


def distribution_map(colors: NDArray[Any], palette: NDArray[Any]) -> Map:
    """Return a map that gives `colors` nearly the distribution of `palette`.

    First `linear_map`, then the method of Pitié, Kokaram and Dahyot in "Automated
    colour grading using colour distribution transfer" (2007), here in Oklab: along each
    of three axes values are moved so that they are distributed as the palette's, and
    again along others. Departures, all to avoid amplified grain: the linear map comes
    first, after which there is less to move, and curves have few knots instead of whole
    histograms. The axes are always the same, so the map is deterministic.

    Args:
        colors: (N, 3), sRGB levels, at least one.
        palette: (M, 3), the same.
    """
    first = linear_map(colors, palette)
    moved, aim = to_oklab(first(_sample(colors))), to_oklab(_sample(palette))
    random = np.random.default_rng(0)
    steps = []
    for turn in range(_TURNS):
        mixed, _ = np.linalg.qr(random.normal(size=(3, 3)))
        axes = np.eye(3) if turn == 0 else mixed
        curves = [
            _curve(*both) for both in zip((moved @ axes).T, (aim @ axes).T, strict=True)
        ]
        steps.append((axes, curves))
        moved = _moved(moved, axes, curves)

    def change(levels: NDArray[Any]) -> Values:
        lab = to_oklab(first(levels))
        for axes, curves in steps:
            lab = _moved(lab, axes, curves)
        return from_oklab(lab)

    return change


def _factors(colors: NDArray[Any], least: float) -> tuple[Values, Values, Values]:
    """Return the mean μ, F with Σ = F Fᵀ, and the pseudo-inverse of F.

    Directions with a standard deviation of at most `least` are left out.
    """
    mean = colors.mean(axis=0, dtype=np.float64)
    products = np.zeros((3, 3))
    for start in range(0, len(colors), BAND):
        off = colors[start : start + BAND] - mean
        products += off.T @ off
    values, vectors = np.linalg.eigh(products / len(colors))
    deviations = np.sqrt(np.maximum(values, 0))
    kept = deviations > least
    vectors, deviations = vectors[:, kept], deviations[kept]
    return mean, vectors * deviations, (vectors / deviations).T


def _sample(colors: NDArray[Any]) -> NDArray[Any]:
    return colors[:: -(-len(colors) // _SAMPLE)]


def _curve(values: Values, aim: Values) -> Curve:
    """Return the monotone curve from the quantiles of `values` to those of `aim`."""
    shares = np.linspace(0, 1, _KNOTS)
    knots, which = np.unique(np.quantile(values, shares), return_inverse=True)
    sums = np.bincount(which, np.quantile(aim, shares))
    return knots, sums / np.bincount(which)


def _moved(lab: Values, axes: Values, curves: list[Curve]) -> Values:
    along = lab @ axes
    moved = [np.interp(along[..., i], *curve) for i, curve in enumerate(curves)]
    return np.stack(moved, axis=-1) @ axes.T
