"""Computes smooth noise and mixes colours, for both drawn pictures.

Everything is a pure function of coordinates and a seed, so that a small rendering
shows the same picture as a large one.
"""

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
#: Arrays that the functions take; NumPy may widen float32, which does no harm.
Reals = NDArray[np.floating[Any]]

_LATTICE: Final = 256
#: Rotation between octaves, without which their lattices would show as a grid.
_COSINE: Final = np.float32(0.8)
_SINE: Final = np.float32(0.6)


def noise(x: Reals, y: Reals, seed: int) -> Field:
    """Make value noise, smooth between the points of an integer lattice.

    Args:
        x: Coordinates in lattice cells, float32, any shape.
        y: The same, same shape.
        seed: Which lattice; it repeats after 256 cells.

    Returns:
        Noise of about unit variance at the lattice points, same shape.
    """
    table = _table(seed)
    left, top = np.floor(x), np.floor(y)
    across, down = _smooth(x - left), _smooth(y - top)
    column = left.astype(np.int32) % _LATTICE
    row = top.astype(np.int32) % _LATTICE * _LATTICE
    right = (column + 1) % _LATTICE
    below = (row + _LATTICE) % (_LATTICE * _LATTICE)
    upper = table[row + column] * (1 - across) + table[row + right] * across
    lower = table[below + column] * (1 - across) + table[below + right] * across
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


@functools.cache
def _table(seed: int) -> Field:
    lattice = np.random.default_rng(seed).standard_normal(_LATTICE * _LATTICE)
    return lattice.astype(np.float32)


def fractal(x: Reals, y: Reals, octaves: int, seed: int, gain: float = 0.5) -> Field:
    """Add octaves of noise, each `gain` times as strong as the one before.

    Args:
        x: Coordinates in cells of the first octave.
        y: The same, same shape.
        octaves: How many.
        seed: Of the first octave.
        gain: Strength from one octave to the next.

    Returns:
        Noise with mean 0 and most values between -1 and 1, same shape.
    """
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    strength = 0.6
    for octave in range(octaves):
        total += np.float32(strength) * noise(x, y, seed + octave)
        x, y = (_COSINE * x - _SINE * y) * 2.03, (_SINE * x + _COSINE * y) * 2.03
        strength *= gain
    return total


def ridged(x: Reals, y: Reals, octaves: int, seed: int) -> Field:
    """Make noise with sharp crests, like eroded rock: 0 in valleys, 1 on crests."""
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    strength, carry = 0.5, np.float32(1)
    for octave in range(octaves):
        crest = np.square(1 - np.minimum(np.abs(noise(x, y, seed + octave)), 1))
        total += np.float32(strength) * crest * carry
        carry = np.minimum(crest * 1.6, 1)
        x, y = (_COSINE * x - _SINE * y) * 2.1, (_SINE * x + _COSINE * y) * 2.1
        strength *= 0.5
    return total


def ramp(value: Reals, low: float, high: float) -> Field:
    """Rise smoothly from 0 at `low` to 1 at `high`, which may be the lower one."""
    return _smooth(np.clip((value - low) / (high - low), 0, 1).astype(np.float32))


def mix(first: Reals, second: Reals, share: Reals) -> Field:
    """Mix colours (…, 3): `first` where `share` (H, W) is 0, `second` where it is 1."""
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def _smooth(value: Reals) -> Field:
    return np.asarray(value * value * (3 - 2 * value), np.float32)
