"""The kinds of values that only settings have: layers, lists of numbers, pictures.

Functions return a `Kind` for the table of `fields`, which has a row for each setting.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from .choices import ALL
from .in_memory import path_or_image
from .layers import LayerWeights
from .scalars import LONGEST, Kind, any_of, number, require


def layers() -> Kind:
    """Return the kind of layers with weights."""

    def take(value: Any) -> LayerWeights:
        if isinstance(value, LayerWeights):
            return value
        require(isinstance(value, str))
        return LayerWeights.parse(value)

    expected = 'layers and their weights, such as "conv4_2:2,conv5_2"'
    schema = {"type": "string", "maxLength": LONGEST}
    return Kind(expected, take, plain=str, metavar="LAYERS", schema=schema)


def scale() -> Kind:
    """Return the kind of one scale for all styles, or one for each."""
    one = number(0.01, 100)

    def take(value: Any) -> Any:
        if is_list(value):
            return tuple(map(one.take, _listed(value)))
        return one.take(value)

    def parse(text: str) -> Any:
        found = _floats(text)
        return found if len(found) > 1 else found[0]

    expected = f"{one.expected}, or one for each style, such as 1,0.5"
    schema = {"anyOf": [one.schema, _list_of(one)]}
    return Kind(expected, take, parse, _plain_list, metavar="NUMBERS", schema=schema)


def shares() -> Kind:
    """Return the kind of numbers, one for each style, that count by their ratio."""
    one = number(0)

    def take(value: Any) -> tuple[float, ...]:
        found = tuple(map(one.take, _listed(value) if is_list(value) else [value]))
        require(0 < sum(found) < math.inf)
        return found

    return Kind(
        f"{one.expected} for each style, such as 3,1, with a finite sum above 0",
        take,
        _floats,
        _plain_list,
        metavar="NUMBERS",
        optional=True,
        schema=_list_of(one),
    )


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
        schema={"type": "string"},
    )


def files(count: int | None = None) -> Kind:
    """Return the kind of lists of pictures, of any number or of `count`.

    They are paths, arrays or PIL images.
    """

    def take(value: Any) -> tuple[str, ...]:
        require(is_list(value) and isinstance(value, Sequence))
        require(count in (None, len(value)))
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
        schema={"type": "array", "items": {"type": "string"}},
    )


def is_list(value: object) -> bool:
    """Tell whether `value` has elements, and is no text."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _listed(value: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(value)
    require(found)
    return found


def _list_of(one: Kind) -> dict[str, Any]:
    return {"type": "array", "items": one.schema, "minItems": 1}


def _floats(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _plain_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
