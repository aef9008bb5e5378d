"""Preconditioning by the levels of a pyramid, in which a picture is easier to optimise.

The loss of a network is curved far more along fine detail than along broad changes, so
plain gradients find the detail at once and the broad changes late. Writing a picture as
x = x₀ + A z, where z holds corrections at every scale and A adds them up, evens that
out: a step along A Aᵀ times the gradient moves broad areas and detail together. With a
gain of √½ per level, A Aᵀ weighs a spatial frequency f by about 1/f.

STROTSS and Neural Neighbor Style Transfer optimise the coefficients z themselves
(Kolkin et al., arXiv:1904.12785 and arXiv:2203.13215). Here the pixels stay the
variables and A Aᵀ is the initial inverse Hessian of L-BFGS, which takes the same steps
and keeps the bounds of the pixels.
"""

import math
from typing import Final, Protocol

import numpy as np

from ..arrays import Array

#: Weight of a level relative to the next finer one.
GAIN: Final = math.sqrt(0.5)

#: Least length of the coarsest level's shorter side.
COARSEST_SIDE: Final = 8


class Preconditioner(Protocol):
    """A linear change of variables, x = x₀ + A z."""

    def forward(self, coefficients: list[Array], /) -> Array:
        """Return A z, a flat vector."""

    def adjoint(self, gradient: Array, /) -> list[Array]:
        """Return Aᵀ g for a flat vector g."""


class Pixels:
    """The identity: no change of variables."""

    def forward(self, coefficients: list[Array], /) -> Array:
        """Return the only array of `coefficients`."""
        return coefficients[0]

    def adjoint(self, gradient: Array, /) -> list[Array]:
        """Return the gradient as the only array."""
        return [gradient]


class PyramidMap:
    """The linear map A from pyramid coefficients to pictures, and its adjoint.

    Coefficients are a list of arrays (C, h, w), float32, each half the height and width
    of the one before, rounded up; the first has the size of the picture.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        """Set up the map for pictures of `shape`, (C, H, W)."""
        self.shape = shape
        self._gains = [1.0]
        side = min(shape[1:])
        while (side := (side + 1) // 2) >= COARSEST_SIDE:
            self._gains.append(self._gains[-1] * GAIN)

    def forward(self, coefficients: list[Array]) -> Array:
        """Return A z, the sum of all levels, each enlarged, as a flat vector."""
        picture = coefficients[-1] * np.float32(self._gains[-1])
        for level, gain in zip(coefficients[-2::-1], self._gains[-2::-1], strict=True):
            finer = _doubled(_doubled(picture, 2, level.shape[2]), 1, level.shape[1])
            finer += level if gain == 1 else level * np.float32(gain)
            picture = finer
        return picture.ravel()

    def adjoint(self, gradient: Array) -> list[Array]:
        """Return Aᵀ g, the gradient by coefficients for a gradient by pixels."""
        picture = gradient.reshape(self.shape)
        levels = [picture]
        for gain in self._gains[1:]:
            picture = _halved(_halved(picture, 1), 2)
            levels.append(picture * np.float32(gain))
        return levels


def _doubled(coarse: Array, axis: int, length: int) -> Array:
    """Enlarge `axis` bilinearly to `length`, which is twice as long or one less."""
    shape = list(coarse.shape)
    shape[axis] = length
    fine = np.empty(shape, np.float32)
    fine_t, coarse_t = np.moveaxis(fine, axis, 0), np.moveaxis(coarse, axis, 0)
    even, odd = fine_t[0::2], fine_t[1::2]
    quarter = np.float32(0.25) * coarse_t
    most = np.float32(0.75) * coarse_t
    np.add(most[1:], quarter[:-1], out=even[1:])
    even[0] = coarse_t[0]
    inner = len(coarse_t) - 1
    np.add(most[:inner], quarter[1:], out=odd[:inner])
    if len(odd) > inner:
        odd[inner] = coarse_t[inner]
    return fine


def _halved(fine: Array, axis: int) -> Array:
    """Apply the adjoint of `_doubled`: a sum, about twice as large as a mean."""
    shape = list(fine.shape)
    shape[axis] = (shape[axis] + 1) // 2
    coarse = np.empty(shape, np.float32)
    fine_t, coarse_t = np.moveaxis(fine, axis, 0), np.moveaxis(coarse, axis, 0)
    even, odd = fine_t[0::2], fine_t[1::2]
    paired, inner = len(odd), len(coarse_t) - 1
    np.add(even[:paired], odd, out=coarse_t[:paired])
    coarse_t[paired:] = even[paired:]
    coarse_t *= np.float32(3)
    coarse_t[:inner] += even[1:]
    coarse_t[1:] += odd[:inner]
    coarse_t[0] += even[0]
    if paired > inner:
        coarse_t[inner] += odd[inner]
    coarse_t *= np.float32(0.25)
    return coarse
