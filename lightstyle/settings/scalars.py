"""The kinds of single values: how each is read, checked, written and shown.

Functions return a `Kind`: for settings (`fields`), for arguments of public functions
(`arguments`), and for the values in files, which `typed` reads.
"""

import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np

from ..contract import MAXIMUM_SIDE, MINIMUM_SIDE
from ..errors import UsageError
from ..text import shown

#: Most characters of a text.
LONGEST: Final = 10_000


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
        schema: JSON schema of the plain form.
    """

    expected: str
    take: Callable[[Any], Any]
    parse: Callable[[str], Any] = _same
    plain: Callable[[Any], Any] = _same
    option: Any = str | None
    metavar: str | None = None
    optional: bool = False
    not_files: frozenset[str] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)


def any_of(words: Iterable[str]) -> str:
    """List alternatives: ``auto, lbfgs or lbfgsb``."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def checked(name: str, kind: Kind, value: Any) -> Any:
    """Return `value` as `kind` keeps it.

    Raises:
        UsageError: If it is none of the kind; the message calls it `name`.
    """
    if value is None and kind.optional:
        return None
    return made(name, kind, shown(value), lambda: kind.take(value))


def made(name: str, kind: Kind, given: str, make: Callable[[], Any]) -> Any:
    """Return what `make` makes of the value that was `given`, or refuse it by name.

    Raises:
        UsageError: If `make` raises ValueError.
    """
    try:
        return make()
    except (ValueError, OverflowError):
        problem = f"{name} is {given}, expected {kind.expected}"
        raise UsageError(problem) from None
    except UsageError as error:  # which says what is wrong, but not where
        raise UsageError(f"{name}: {error}") from error


def require(condition: object) -> None:
    """Raise ValueError unless the condition holds."""
    if not condition:
        raise ValueError


def _is(kind: type, value: object) -> bool:
    """Tell whether `value` is a number of the kind, NumPy's included, and no bool."""
    return isinstance(value, kind) and not isinstance(value, bool)


def whole(at_least: int, at_most: int) -> Kind:
    """Return the kind of whole numbers in a range."""

    def take(value: Any) -> int:
        require(_is(numbers.Integral, value) and at_least <= value <= at_most)
        return int(value)

    expected = f"a whole number of at least {at_least} and at most {at_most}"
    schema = {"type": "integer", "minimum": at_least, "maximum": at_most}
    return Kind(expected, take, parse=int, metavar="N", schema=schema)


def side() -> Kind:
    """Return the kind of sides of pictures, in pixels."""
    return whole(MINIMUM_SIDE, MAXIMUM_SIDE)


def number(
    at_least: float, at_most: float = math.inf, *, optional: bool = False
) -> Kind:
    """Return the kind of finite numbers in a range."""
    upper = "" if math.isinf(at_most) else f" and at most {at_most:g}"
    lower = "" if math.isinf(at_least) else f" of at least {at_least:g}"
    expected = f"a number{lower}{upper}" if lower else "a finite number"
    return Kind(
        expected,
        _in_range(at_least, at_most),
        parse=float,
        metavar="NUMBER",
        optional=optional,
        schema=_bounds(at_least, at_most),
    )


def _bounds(at_least: float, at_most: float) -> dict[str, Any]:
    """Return the JSON schema of finite numbers in a range."""
    limits = {"minimum": at_least, "maximum": at_most}
    return {"type": "number"} | {k: v for k, v in limits.items() if math.isfinite(v)}


def word(words: type[StrEnum]) -> Kind:
    """Return the kind of the words of an enum."""
    schema = {"type": "string", "enum": [*map(str, words)]}
    return Kind(any_of(words), words, plain=str, metavar="WORD", schema=schema)


def flag() -> Kind:
    """Return the kind of switches."""
    truths = {"true": True, "on": True, "false": False, "off": False}

    def take(value: Any) -> bool:
        require(isinstance(value, bool | np.bool_))
        return bool(value)

    def parse(text: str) -> Any:
        return truths.get(text.lower(), text)

    schema = {"type": "boolean"}
    return Kind("true or false", take, parse, option=bool, schema=schema)


def one_of(words: Iterable[Any]) -> Kind:
    """Return the kind of a few values."""
    known = tuple(words)

    def take(value: Any) -> Any:
        require(isinstance(value, str) or _is(numbers.Integral, value))
        require(value in known)
        return value

    return Kind(any_of(map(str, known)), take)


def text() -> Kind:
    """Return the kind of texts of a sane length."""

    def take(value: Any) -> str:
        require(isinstance(value, str) and len(value) <= LONGEST)
        return str(value)

    return Kind(f"a text of at most {LONGEST} characters", take)


def digest() -> Kind:
    """Return the kind of SHA-256 digests."""

    def take(value: Any) -> str:
        require(isinstance(value, str) and len(value) == 64)
        require(set(value) <= set("0123456789abcdef"))
        return str(value)

    return Kind("a SHA-256 in hexadecimal", take)


def path() -> Kind:
    """Return the kind of paths."""
    return Kind("a path", path_text)


def path_text(value: Any) -> str:
    """Return a path as text.

    Raises:
        ValueError: If `value` is no path, empty, or one that no system has.
    """
    require(isinstance(value, str | os.PathLike))
    found = os.fspath(value)
    require(isinstance(found, str) and 0 < len(found) <= LONGEST and "\0" not in found)
    os.fsencode(found)  # UnicodeEncodeError, if half a surrogate pair is in it
    return str(found)


def _in_range(at_least: float, at_most: float) -> Callable[[Any], float]:
    """Return what takes finite numbers in a range."""

    def take(value: Any) -> float:
        require(_is(numbers.Real, value) and at_least <= value <= at_most)
        found = float(value)  # OverflowError: a whole number that no float holds
        require(math.isfinite(found))
        return found

    return take
