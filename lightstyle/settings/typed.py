"""Reads JSON of unknown origin by the annotations of dataclasses, its schema.

The fields of a dataclass are the keys of an object: all must be there, and no others.
``Annotated[int, whole(0, 9)]`` narrows a value to a kind of `scalars`; without one,
texts and integers are of a sane length.

(msgspec and pydantic do as much and more, but neither refuses unknown keys of a plain
dataclass, and they take 0.5 and 8 MB.)
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from ..text import printable, shown
from .scalars import LONGEST, any_of

#: Most levels of nesting.
_DEEPEST: Final = 16

#: Names of types in error messages.
_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "an integer of at most 64 bits",
    float: "a number",
    str: f"a text of at most {LONGEST} characters",
    NoneType: "null",
    tuple: "a list",
    list: "a list",
    Mapping: "an object",
    dict: "an object",
}

#: Functions that convert the values of further types, by type.
Parsers = Mapping[Any, Callable[[Any], Any]]


def loads(text: str, longest: int, most: int = 1_000_000) -> Any:
    """Return the value of JSON text.

    Args:
        text: The text.
        longest: Most characters that it may have.
        most: Most values that it may have, at all depths.

    Raises:
        ValueError: If it is too long, not JSON, nested too deeply, or has too many
            values.
    """
    if len(text) > longest:
        raise ValueError(f"got more than {longest} characters")
    # Before they take memory. Those in texts are counted too, of which there are few.
    if sum(text.count(begin) for begin in "[{,") > most:
        raise ValueError(f"got more than {most} values")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value]
    for _ in range(_DEEPEST):
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [v for o in inner for v in (o.values() if isinstance(o, dict) else o)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def parse(kind: Any, value: Any, name: str, parsers: Parsers) -> Any:
    """Convert a JSON value to the type of an annotation.

    Args:
        kind: A dataclass, ``bool``, ``int``, ``float``, ``str``, ``None`` or ``Any``;
            a list, tuple, mapping or union of these; or ``Annotated`` with a kind of
            `scalars`.
        value: JSON value.
        name: What an error message calls the value.
        parsers: Functions that convert the values of further types.

    Raises:
        ValueError: If a value has another type, or a key is missing or unknown. The
            message names it.
    """
    if kind in parsers:
        return parsers[kind](value)
    if is_dataclass(kind):
        return _dataclass(kind, value, name, parsers)
    container, kinds = get_origin(kind), get_args(kind)
    if container is Annotated:
        with suppress(ValueError, OverflowError):
            return kinds[1].take(value)
    elif container in (Union, UnionType):
        others = [each for each in kinds if each is not NoneType]
        if value is not None and len(others) == 1:
            return parse(others[0], value, name, parsers)
        for each in kinds:
            with suppress(ValueError):
                return parse(each, value, name, parsers)
    elif container in (tuple, list) and isinstance(value, list):
        endless = container is list or kinds[-1] is Ellipsis
        each_kind = kinds[:1] * len(value) if endless else kinds
        if len(each_kind) == len(value):
            pairs = zip(each_kind, value, strict=True)
            return container(
                parse(*pair, f"{name} {n}", parsers) for n, pair in enumerate(pairs)
            )
    elif container in (dict, Mapping) and isinstance(value, dict):
        return {
            parse(kinds[0], key, f"a key of {name}", parsers): parse(
                kinds[1], each, f"{name}.{printable(key, 40)}", parsers
            )
            for key, each in value.items()
        }
    elif kind is Any or (type(value) is kind and _is_sane(value)):
        return value
    elif kind is float and type(value) is int:
        with suppress(OverflowError):
            return float(value)
    raise ValueError(f"{name} is {shown(value)}, expected {_expected(kind)}")


def _dataclass(kind: Any, value: Any, name: str, parsers: Parsers) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {shown(value)}, expected {_WORDS[dict]}")
    known = _keys(kind)
    for key in sorted(known.keys() ^ value.keys()):
        what = "lacks" if key in known else "has an unknown"
        raise ValueError(f"{name} {what} {printable(key, 40)}")
    return kind(
        **{k: parse(known[k], v, f"{name}.{k}", parsers) for k, v in value.items()}
    )


@cache
def _keys(kind: Any) -> dict[str, Any]:
    """Return the type of each key of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: hints[each.name] for each in fields(kind)}


def _is_sane(value: Any) -> bool:
    if isinstance(value, int):
        return -(2**64) < value < 2**64
    return not isinstance(value, str) or len(value) <= LONGEST


def _expected(kind: Any) -> str:
    container, kinds = get_origin(kind), get_args(kind)
    if container is Annotated:
        return str(kinds[1].expected)
    if container in (Union, UnionType):
        return any_of(dict.fromkeys(map(_expected, kinds)))
    return _WORDS.get(container or kind, "something else")
