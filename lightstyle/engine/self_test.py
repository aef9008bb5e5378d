"""Compares what a device computes with what the CPU computes.

Providers have been seen to compute in 16 bits unasked, with a gradient that is 6.5 %
off, and to lose the mask of a pooling, with a gradient near zero beside the right loss.
A picture comes out of either, and nobody can tell that it is the wrong one.

Two providers that are both right may decide one ReLU differently, where its input is
almost zero, and differ by a patch of the gradient. So a device that is wrong on one
picture is asked for others; one that is wrong by itself is wrong on all of them.
"""

import math
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

import numpy as np

from ..contract import MINIMUM_SIDE
from ..errors import ModelError

#: Relative difference in length, in tolerances of the distance, that is told as such.
_LENGTH: Final = 10

#: Pictures that a device may try.
_TRIES: Final = 3

#: Width and height of the pictures.
SIDE: Final = MINIMUM_SIDE

#: Seconds that an evaluation in `rate` should take, of which there are three.
_SECONDS: Final = 0.2

#: Largest side in `rate`.
_LARGEST: Final = 256

#: Length by which nothing is divided.
_TINY: Final = float(np.finfo(np.float32).tiny)

#: Arrays by name.
Results = Mapping[str, Any]

#: Computes results from inputs that a seed makes.
Work = Callable[[int], Results]


def fault(on_device: Work, on_cpu: Work, tolerance: float) -> str:
    """Describe what is wrong with the results of a device.

    Args:
        on_device: Computes on the device, given a seed.
        on_cpu: Computes the same on the CPU.
        tolerance: Largest relative L2 distance of each result from the CPU's.

    Returns:
        The fault of the first try; empty if there is none, or another try had none.
    """
    first = ""
    for seed in range(_TRIES):
        try:
            found = on_device(seed)
        except ModelError as error:
            return str(error)
        wrong = difference(found, on_cpu(seed), tolerance)
        if not wrong:
            return ""
        first = first or wrong
    return first


def difference(found: Results, expected: Results, tolerance: float) -> str:
    """Describe the first result that differs from the expected one; empty if none."""
    for name, value in expected.items():
        right = np.asarray(value, np.float64)
        got = np.asarray(found.get(name, np.nan), np.float64)
        if got.shape != right.shape:
            return f"its {name} has the shape {got.shape}, expected {right.shape}"
        if not np.isfinite(got).all():
            return f"its {name} is not finite"
        length = max(float(np.linalg.norm(right)), _TINY)
        ratio = float(np.linalg.norm(got)) / length
        if abs(ratio - 1) > _LENGTH * tolerance:
            return f"its {name} has {ratio:.3g} times the size that the CPU computes"
        distance = float(np.linalg.norm(got - right)) / length
        if distance > tolerance:
            return (
                f"its {name} differs from the CPU's by {distance:.1e}, at most "
                f"{tolerance:.0e} is right"
            )
    return ""


def rate(prepared: Callable[[int], Callable[[], object]]) -> float:
    """Return the positions of a picture that are evaluated a second.

    The picture is as large as fits the time, so that a GPU shows what it can, and a
    device that is slow anyway is not waited for.

    Args:
        prepared: Returns what evaluates a picture of a width and height.
    """
    seconds = _least(prepared(SIDE))
    fitting = int(SIDE * math.sqrt(_SECONDS / seconds))
    side = min(_LARGEST, fitting // SIDE * SIDE)
    if side <= SIDE:
        return SIDE**2 / seconds
    return side**2 / _least(prepared(side))


def _least(evaluate: Callable[[], object]) -> float:
    """Return the seconds of the faster of two evaluations after the first."""
    evaluate()  # makes sessions, and compiles
    times: list[float] = []
    for _ in range(2):
        began = perf_counter()
        evaluate()
        times.append(perf_counter() - began)
    return max(min(times), 1e-6)
