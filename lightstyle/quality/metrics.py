"""Measures of a finished picture: formulas on arrays, each with its paper.

SSIM, PSNR and the distance between colour histograms look at pixels. CFSD and the
Wasserstein distance look at features of VGG19, on which a picture that was made by
optimising those features scores well by construction: never rely on these two alone.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..contract import REFERENCE_SIDE

Matrix = NDArray[np.float64]

#: Scale of our features relative to those that CFSD is defined on: torchvision's VGG19
#: takes pictures in units of so many grey levels, and weights in our form give features
#: that are larger by as much (`export.weights.canonical`).
FEATURE_SCALE: Final = 255 * (0.229 + 0.224 + 0.225) / 3

#: Channels of conv3_1 in VGG19, and its positions in a picture of 512 × 512.
_CHANNELS: Final = 256
_POSITIONS: Final = (REFERENCE_SIDE // 4) ** 2

#: Rows of a self-similarity, and columns of features, that are processed at a time.
_ROWS: Final = 512
_COLUMNS: Final = 65_536

#: SSIM's constants K₁ and K₂, and σ and radius of its Gaussian window, 11 × 11.
_K: Final = (0.01, 0.03)
_SIGMA, _REACH = 1.5, 5

#: Bin centres and fall-off τ of the colour histogram, and its least level, of 0…1.
_BINS: Final[Array] = np.linspace(-3, 3, 64, dtype=np.float32)
_TAU: Final = np.float32(0.02)
_LEAST: Final = np.float32(1e-6)


class Moments(NamedTuple):
    """Mean and covariance of features over positions.

    Attributes:
        mean: (C,).
        covariance: (C, C).
    """

    mean: Matrix
    covariance: Matrix


def psnr(image_hwc: Array, reference_hwc: Array) -> float:
    """Compute the peak signal-to-noise ratio, 10 log₁₀ 255²/MSE, in dB.

    Args:
        image_hwc: (H, W, 3), 0…255.
        reference_hwc: The same shape.

    Returns:
        The ratio; infinite for equal pictures.
    """
    difference = image_hwc.astype(np.float64) - reference_hwc
    error = float(np.mean(difference**2))
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def ssim(image_hwc: Array, reference_hwc: Array) -> float:
    """Compute the structural similarity of the grey pictures, −1…1.

    Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13(4),
    2004, equations 13 to 17 with their constants; grey is the luma of ITU-R BT.601.

    Args:
        image_hwc: (H, W, 3), 0…255, sides of at least 11.
        reference_hwc: The same shape.

    Returns:
        The mean over the picture; 1 for equal pictures.
    """
    x, y = _luma(image_hwc), _luma(reference_hwc)
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x, variance_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = ((255 * k) ** 2 for k in _K)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float(np.mean(luminance * structure))


def colour_histogram(image_hwc: Array) -> Matrix:
    """Compute the RGB-uv histogram of a picture.

    Afifi, Brubaker and Brown, HistoGAN, arXiv:2011.11731, equations 1 to 3 with their
    constants. It counts ratios of colours, and weights each pixel with its brightness.
    Departure: the picture is not downsampled first.

    Args:
        image_hwc: (H, W, 3), 0…255.

    Returns:
        (3, 64, 64), with sum 1.
    """
    levels = np.clip(image_hwc.reshape(-1, 3) / np.float32(255), 0, 1)
    histogram = np.zeros((3, len(_BINS), len(_BINS)))
    for first in range(0, len(levels), _COLUMNS):
        part = levels[first : first + _COLUMNS]
        logs = np.log(part + _LEAST)
        brightness = np.sqrt((part**2).sum(axis=1, keepdims=True) + _LEAST)
        for channel in range(3):
            a, b = (other for other in range(3) if other != channel)
            u, v = (_nearness(logs[:, channel] - logs[:, k]) for k in (a, b))
            histogram[channel] += (brightness * u).T @ v
    normalised: Matrix = histogram / histogram.sum()
    return normalised


def hellinger(histogram: Matrix, other: Matrix) -> float:
    """Compute the Hellinger distance, 0…1, of two histograms with sum 1 (HistoGAN)."""
    difference = np.sqrt(histogram) - np.sqrt(other)
    return float(np.linalg.norm(difference) / np.sqrt(2))


def moments(features: Array) -> Moments:
    """Compute mean and covariance, in float64, of features (C, positions)."""
    mean = features.mean(axis=1, dtype=np.float64)
    total = np.zeros((len(features), len(features)))
    for first in range(0, features.shape[1], _COLUMNS):
        centred: Matrix = features[:, first : first + _COLUMNS] - mean[:, None]
        total += centred @ centred.T
    return Moments(mean, total / features.shape[1])


def wasserstein(one: Moments, other: Moments) -> float:
    """Compute the 2-Wasserstein distance of the Gaussians with these moments.

    W² = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½: Dowson and Landau, Journal
    of Multivariate Analysis 12, 1982. Between features of Inception it is FID
    (arXiv:1706.08500, equation 6); for single pictures, SIFID (arXiv:1905.01164).

    The last trace is computed as the sum of the singular values of Σ₁^½ Σ₂^½, which
    takes no square root of a small number twice.
    """
    roots = [_root(each.covariance) for each in (one, other)]
    cross = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    spread = np.trace(one.covariance) + np.trace(other.covariance) - 2 * cross
    shift = float(np.sum((one.mean - other.mean) ** 2))
    return float(np.sqrt(max(shift + spread, 0.0)))


def structural_distance(features: Array, reference: Array) -> float:
    """Compute the content feature structural distance (CFSD).

    Chung, Hyun and Heo, StyleID, arXiv:2312.09008, as in their evaluation code: with
    the features F of relu3_1 in rows, divided by their number of channels, each row of
    S = softmax(F Fᵀ) says how one place resembles all others. CFSD is the sum over rows
    of the Kullback-Leibler divergence Σ S_c log S_c/S of the picture's S from the
    content's S_c. Departure: the sum is scaled to the number of rows that 512 × 512
    pixels have, so that other sizes yield similar numbers.

    Args:
        features: Features of the picture at conv3_1, (C, positions).
        reference: Features of the content, the same shape.

    Returns:
        The distance; 0 for equal pictures.
    """
    scale = np.float32(1 / (_CHANNELS * FEATURE_SCALE))
    picture, content = ((each * scale).T for each in (features, reference))
    total = 0.0
    for first in range(0, len(content), _ROWS):
        rows = slice(first, first + _ROWS)
        found = _divergence(content[rows] @ content.T, picture[rows] @ picture.T)
        total += float(found.sum())
    return max(total, 0.0) * _POSITIONS / len(content)


def _divergence(p: Array, q: Array) -> Matrix:
    """Compute Σ P log P/Q for each row of the logits `p` and `q`."""
    p = p - p.max(axis=1, keepdims=True)
    q = q - q.max(axis=1, keepdims=True)
    weights = np.exp(p)
    sums = weights.sum(axis=1, dtype=np.float64)
    others = np.exp(q).sum(axis=1, dtype=np.float64)
    gaps = (weights * (p - q)).sum(axis=1, dtype=np.float64)
    divergence: Matrix = gaps / sums + np.log(others) - np.log(sums)
    return divergence


def _luma(image_hwc: Array) -> Matrix:
    luma: Matrix = image_hwc.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return luma


def _blurred(plane_hw: Matrix) -> Matrix:
    """Compute means under SSIM's window, where it lies within the plane."""
    from scipy.ndimage import gaussian_filter

    blurred: Matrix = gaussian_filter(plane_hw, _SIGMA, radius=_REACH)
    return blurred[_REACH:-_REACH, _REACH:-_REACH]


def _nearness(values: Array) -> Array:
    """Apply the inverse quadratic kernel to the distances of (N,) to bins: (N, 64)."""
    away: Array = (values[:, None] - _BINS) / _TAU
    nearness: Array = np.reciprocal(1 + away * away)
    return nearness


def _root(covariance: Matrix) -> Matrix:
    """Compute the symmetric root of a matrix that is semidefinite but for rounding."""
    values, vectors = np.linalg.eigh(covariance)
    root: Matrix = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
