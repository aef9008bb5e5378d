"""Checks of single settings, and the words with which one is refused."""

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from ..errors import UsageError


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


def some_numbers(
    name: str, value: Any, at_least: float, at_most: float = math.inf
) -> Any:
    """Check one number, which stays as it is, or each of several, a tuple then.

    Raises:
        UsageError: If there is none, or one is out of range.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str)
    kept = tuple(value) if several else (value,)
    if not kept:
        refuse(name, "empty", "a number for each style")
    for each in kept:
        in_range(name, each, at_least, at_most, whole=False)
    return tuple(map(float, kept)) if several else value


def shares(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Check numbers that count relative to their sum.

    Raises:
        UsageError: If one is below 0, or the sum is no finite number above 0.
    """
    checked: Any = some_numbers(name, values, at_least=0)
    kept: tuple[float, ...] = checked if isinstance(checked, tuple) else (checked,)
    if not 0 < sum(kept) < math.inf:
        text = ",".join(f"{each:g}" for each in kept)
        refuse(name, text, "at least one share above 0, and a finite sum")
    return kept


def any_of(words: Sequence[str]) -> str:
    """``auto, lbfgs or lbfgsb``."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


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
