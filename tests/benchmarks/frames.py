"""The pictures of a run, one after the other in a file, to be judged afterwards.

16 bits a value in steps of 1/257 of a grey level: half the size of float32, and a
rounding (0.001 levels) that no loss shows. Clipped to 0…255, as a saved picture is.
"""

from pathlib import Path
from typing import Final

import numpy as np

from tests.benchmarks.task import Array

_STEPS: Final = 257


def append_frame(path: Path, pixels: Array) -> None:
    """Add a picture (of 0…255, or beyond) to the file, which is made if need be."""
    levels = np.nan_to_num(np.clip(pixels, 0, 255)) * np.float32(_STEPS)
    with path.open("ab") as file:
        file.write(np.rint(levels).astype("<u2").tobytes())


def read_frame(path: Path, number: int, shape: tuple[int, ...]) -> Array:
    """Picture `number`, from 1, of the file: float32 in `shape`, 0…255."""
    count = int(np.prod(shape))
    levels = np.fromfile(path, "<u2", count, offset=2 * count * (number - 1))
    return levels.astype(np.float32).reshape(shape) / np.float32(_STEPS)
