"""JSON values that strangers put in the place of ours."""

import copy
import math
from collections.abc import Iterator
from typing import Any

#: Wrong types, numbers out of any range, long texts, escapes, and names of no file.
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**43,
    math.nan,
    math.inf,
    "",
    "x" * 100_000,
    "\x1b]0;owned\x07\n",
    "\ud800\0",
    [[]],
    {"a" * 1000: {"b": {}}},
    [1] * 1000,
)

#: A key that no schema has, and that must not reach a terminal as it is.
KEY = "brush\x1b[2J"

Place = tuple[str | int, ...]


def spoiled(values: Any) -> Iterator[tuple[Place, Any]]:
    """Yield copies of `values` in which one place is wrong, and that place."""
    for place in _places(values):
        for value in VALUES:
            yield place, _replaced(values, place, value)
        inner = values
        for key in place:
            inner = inner[key]
        if isinstance(inner, dict):
            yield place, _replaced(values, place, {**inner, KEY: 1})
            for key in inner:
                fewer = {k: v for k, v in inner.items() if k != key}
                yield (*place, key), _replaced(values, place, fewer)


def _places(values: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _places(value, (*place, key))
    elif isinstance(values, list) and values:
        yield from _places(values[0], (*place, 0))


def _replaced(values: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    copied = copy.copy(values)
    copied[place[0]] = _replaced(values[place[0]], place[1:], value)
    return copied
