"""Builds typed values from JSON values of unknown origin."""

import reprlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

#: Names of types in error messages.
_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text",
    NoneType: "null",
    tuple: "a list",
    Mapping: "an object",
    dict: "an object",
}

#: Functions that convert the values of further types, by type.
Parsers = Mapping[Any, Callable[[Any], Any]]


def parse(kind: Any, value: Any, name: str, parsers: Parsers) -> Any:
    """Convert a JSON value to the type of an annotation.

    Args:
        kind: A dataclass, ``bool``, ``int``, ``float``, ``str``, ``None`` or ``Any``,
            or a tuple, mapping or union of these.
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
    if container is UnionType:
        for each in kinds:
            with suppress(ValueError):
                return parse(each, value, name, parsers)
    elif container is tuple and isinstance(value, list):
        each_kind = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        if len(each_kind) == len(value):
            pairs = zip(each_kind, value, strict=True)
            return tuple(
                parse(*pair, f"{name} {n}", parsers) for n, pair in enumerate(pairs)
            )
    elif container in (dict, Mapping) and isinstance(value, dict):
        return {k: parse(kinds[1], v, f"{name}.{k}", parsers) for k, v in value.items()}
    elif kind is Any or type(value) is kind:
        return value
    elif kind is float and type(value) is int:
        with suppress(OverflowError):
            return float(value)
    raise _unexpected(name, value, container or kind)


def _dataclass(kind: Any, value: Any, name: str, parsers: Parsers) -> Any:
    if not isinstance(value, dict):
        raise _unexpected(name, value, dict)
    kinds = get_type_hints(kind)
    for key in sorted(kinds.keys() ^ value.keys()):
        raise ValueError(
            f"{name} {'lacks' if key in kinds else 'has an unknown'} {key}"
        )
    return kind(
        **{k: parse(kinds[k], v, f"{name}.{k}", parsers) for k, v in value.items()}
    )


def _unexpected(name: str, value: Any, kind: Any) -> ValueError:
    words = _WORDS.get(kind, "something else")
    return ValueError(f"{name} is {reprlib.repr(value)}, expected {words}")
