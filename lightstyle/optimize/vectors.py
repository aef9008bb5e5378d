"""Products of long float32 vectors, and of matrices of few long rows, on one thread.

Sums are taken over short pieces and added up in float64. BLAS would start threads for
the whole vectors, which fight with those of ONNX Runtime: a product of 786,432 values
took 8 to 35 ms with them and 1.5 ms without.

What float32 cannot hold becomes infinite, without a warning: the methods look at what
they get.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array

#: One float64 value for each row of a matrix.
Small = NDArray[np.float64]

#: Values of a row that are worked on at a time: few are converted at once, and those
#: that are used twice stay in the processor's cache.
_BLOCK: Final = 16384

#: Elements of a matrix that BLAS multiplies at a time: few enough for an accurate sum,
#: and for BLAS to start no threads.
_TILE: Final = 8192


def dot(left: Array, right: Array) -> float:
    """Return the inner product of two vectors."""
    return float(dots(left[None], right)[0][0])


def dots(rows: NDArray[Any], *vectors: Array) -> list[Small]:
    """Return, for each of the vectors, its inner product with every row."""
    total = [np.zeros(len(rows)) for _ in vectors]
    with silent():
        for part, tiles in _tiles(rows):
            for index, vector in enumerate(vectors):
                products = tiles @ vector[part].reshape(-1, tiles.shape[-1], 1)
                total[index] += products[..., 0].sum(axis=0, dtype=np.float64)
    return total


def combination(vector: Array, weights: Small, rows: NDArray[Any]) -> Array:
    """Return `vector` plus the weighted sum of the rows."""
    result = np.empty_like(vector)
    with silent():
        single = weights.astype(np.float32)[None]
        for part, tiles in _tiles(rows):
            np.add(vector[part], (single @ tiles).ravel(), out=result[part])
    return result


def root_mean_square(vector: NDArray[Any]) -> float:
    """Return √(mean of squares), also where float32 cannot hold a square."""
    most = float(np.abs(vector).max())
    if most == 0:
        return 0.0
    scaled = vector / np.asarray(most, vector.dtype)
    return most * math.sqrt(float(np.mean(np.square(scaled), dtype=np.float64)))


def silent() -> np.errstate:
    """Return the context in which infinite values and NaN come without a warning."""
    return np.errstate(over="ignore", invalid="ignore")


def _tiles(rows: NDArray[Any]) -> Iterator[tuple[slice, Array]]:
    """Cut rows into stacks of narrow float32 matrices, (tiles, rows, width)."""
    count, size = rows.shape
    width = 1 << max(3, min(12, (_TILE // count).bit_length() - 1))  # divides _BLOCK
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        whole = end - (end - begin) % width
        for part in (slice(begin, whole), slice(whole, end)):
            if columns := part.stop - part.start:
                block = rows[:, part].astype(np.float32, copy=False)
                across = min(width, columns)
                yield part, block.reshape(count, -1, across).swapaxes(0, 1)
