"""The kinds of values that settings have: how each is read, checked, written and shown.

Functions return a `Kind` for the table of `fields`, which has a row for each setting.
"""

import math
import numbers
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .choices import ALL
from .in_memory import path_or_image
from .layers import LayerWeights


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        expected: What a value must be, for an error.
        take: Returns a value as `Settings` keeps it, given that or its plain form;
            raises ValueError for anything else.
        parse: Makes of an option's text something that `take` accepts.
        plain: Writes a value as JSON and TOML have it.
        option: Type of the option on the command line.
        metavar: Name of the value in ``--help``.
        optional: Whether None is a value, too.
        not_files: Texts that name no picture file, where all others do; None if the
            values are no files.
    """

    expected: str
    take: Callable[[Any], Any]
    parse: Callable[[str], Any] = _same
    plain: Callable[[Any], Any] = _same
    option: Any = str | None
    metavar: str | None = None
    optional: bool = False
    not_files: frozenset[str] | None = None


def any_of(words: Iterable[str]) -> str:
    """List alternatives: ``auto, lbfgs or lbfgsb``."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _is(kind: type, value: object) -> bool:
    """Tell whether `value` is a number of the kind, NumPy's included, and no bool."""
    return isinstance(value, kind) and not isinstance(value, bool)


def whole(at_least: int, at_most: float = math.inf) -> Kind:
    """Return the kind of whole numbers in a range."""

    def take(value: Any) -> int:
        _require(_is(numbers.Integral, value) and at_least <= value <= at_most)
        return int(value)

    upper = "" if math.isinf(at_most) else f" and at most {at_most}"
    expected = f"a whole number of at least {at_least}{upper}"
    return Kind(expected, take, parse=int, metavar="N")


def number(at_least: float, at_most: float = math.inf) -> Kind:
    """Return the kind of finite numbers in a range."""
    upper = "" if math.isinf(at_most) else f" and at most {at_most:g}"
    expected = f"a number of at least {at_least:g}{upper}"
    take = _in_range(at_least, at_most)
    return Kind(expected, take, parse=float, metavar="NUMBER")


def word(words: type[StrEnum]) -> Kind:
    """Return the kind of the words of an enum."""
    return Kind(any_of(words), words, plain=str, metavar="WORD")


def flag() -> Kind:
    """Return the kind of switches."""
    truths = {"true": True, "on": True, "false": False, "off": False}

    def take(value: Any) -> bool:
        _require(isinstance(value, bool))
        return bool(value)

    def parse(text: str) -> Any:
        return truths.get(text.lower(), text)

    return Kind("true or false", take, parse, option=bool)


def layers() -> Kind:
    """Return the kind of layers with weights."""

    def take(value: Any) -> LayerWeights:
        if isinstance(value, LayerWeights):
            return value
        _require(isinstance(value, str))
        return LayerWeights.parse(value)

    expected = 'layers and their weights, such as "conv4_2:2,conv5_2"'
    return Kind(expected, take, plain=str, metavar="LAYERS")


def scale() -> Kind:
    """Return the kind of one scale for all styles, or one for each."""
    each = _in_range(0.01, 100)

    def take(value: Any) -> float | tuple[float, ...]:
        return tuple(map(each, _listed(value))) if _is_list(value) else each(value)

    def parse(text: str) -> Any:
        found = _floats(text)
        return found if len(found) > 1 else found[0]

    expected = (
        "a number of at least 0.01 and at most 100, or one for each style, such as "
        "1,0.5"
    )
    return Kind(expected, take, parse, _plain_list, metavar="NUMBERS")


def shares() -> Kind:
    """Return the kind of numbers, one for each style, that count by their ratio."""
    each = _in_range(0, math.inf)

    def take(value: Any) -> tuple[float, ...]:
        found = tuple(map(each, _listed(value) if _is_list(value) else [value]))
        _require(0 < sum(found) < math.inf)
        return found

    expected = (
        "a number of at least 0 for each style, such as 3,1, with a finite sum above 0"
    )
    return Kind(expected, take, _floats, _plain_list, metavar="NUMBERS", optional=True)


def file(words: type[StrEnum] | None = None) -> Kind:
    """Return the kind of a picture, one of some words, or None.

    A picture is a path, an array or a PIL image.
    """
    names = tuple(words or ())
    expected = any_of((*names, "a picture file"))
    return Kind(
        expected,
        path_or_image,
        metavar="FILE",
        optional=True,
        not_files=frozenset(names),
    )


def files(count: int | None = None) -> Kind:
    """Return the kind of lists of pictures, of any number or of `count`.

    They are paths, arrays or PIL images.
    """

    def take(value: Any) -> tuple[str, ...]:
        _require(_is_list(value) and isinstance(value, Sequence))
        _require(count in (None, len(value)))
        return tuple(map(path_or_image, value))

    def parse(text: str) -> list[str]:
        return [part.strip() for part in text.split(",")]

    many = "a list of" if count is None else str(count)
    option = list[str] if count is None else tuple[str, str] | None
    return Kind(
        f"{many} paths of picture files",
        take,
        parse,
        _plain_list,
        option,
        metavar="FILE" if count is None else "FILE FILE",
        optional=count is not None,
        not_files=frozenset({ALL}) if count is None else frozenset(),
    )


def _in_range(at_least: float, at_most: float) -> Callable[[Any], float]:
    def take(value: Any) -> float:
        _require(_is(numbers.Real, value) and at_least <= value <= at_most)
        found = float(value)  # OverflowError: a whole number that no float holds
        _require(math.isfinite(found))
        return found

    return take


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _listed(value: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(value)
    _require(found)
    return found


def _floats(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _plain_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
