"""Checks of single settings, and the words with which one is refused."""

import math
import numbers
from collections.abc import Sequence
from typing import Any, NoReturn

from .errors import UsageError


def in_range(
    name: str, value: Any, at_least: float, at_most: float, *, whole: bool
) -> None:
    """Check that a value is a number, or a whole one, within its range.

    Raises:
        UsageError: If it is not.
    """
    kind = numbers.Integral if whole else numbers.Real  # NumPy's, too
    good = isinstance(value, kind) and not isinstance(value, bool)
    if not good or not at_least <= value <= at_most or math.isinf(value):
        words = "a whole number" if whole else "a number"
        upper = "" if math.isinf(at_most) else f" and at most {at_most:g}"
        refuse(name, value, f"{words} of at least {at_least:g}{upper}")


def pictures(
    name: str, paths: Sequence[str], count: int | None = None
) -> tuple[str, ...]:
    """Check a list of paths of picture files.

    Raises:
        UsageError: If it is none, or not of so many.
    """
    listed = isinstance(paths, Sequence) and not isinstance(paths, str | bytes)
    good = listed and all(path and isinstance(path, str) for path in paths)
    if not good or count not in (None, len(paths)):
        many = "a list of" if count is None else str(count)
        refuse(name, paths, f"{many} paths of picture files, as text")
    return tuple(paths)


def refuse(name: str, value: object, expected: str) -> NoReturn:
    """Say what is wrong with the setting called `name`.

    Raises:
        UsageError: Always.
    """
    option = name.replace("_", "-")
    raise UsageError(f"{option} is {value!s}, expected {expected}")
