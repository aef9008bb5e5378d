"""The kinds of arguments that public functions have besides settings.

Each function checks its own with `scalars.checked`, which names the argument, what was
given and what is expected.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from .kinds import is_list
from .scalars import Kind, checked, one_of, path, require, side
from .settings import Settings

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: Bits per channel of a picture file.
BITS: Final = one_of((8, 16))

#: Text that is a path or a name, or None.
MODEL: Final = replace(
    path(), expected="a loaded Model, or the path or name of one", optional=True
)


def optional(kind: Kind) -> Kind:
    """Return the kind that has None beside the values of `kind`."""
    return replace(kind, optional=True)


def instance(*classes: type, expected: str) -> Kind:
    """Return the kind of objects of some classes, or None."""

    def take(value: Any) -> Any:
        require(isinstance(value, classes))
        return value

    return Kind(expected, take, optional=True)


def function(parameter: str) -> Kind:
    """Return the kind of functions with one parameter, or None."""

    def take(value: Any) -> Any:
        require(callable(value))
        return value

    return Kind(f"a function that takes a {parameter}", take, optional=True)


def size() -> Kind:
    """Return the kind of width and height of a picture, in pixels."""
    each = side()

    def take(value: Any) -> tuple[int, int]:
        require(is_list(value))
        width, height = map(each.take, value)
        return width, height

    return Kind(f"width and height, such as (512, 384), each {each.expected}", take)


def model(*classes: type) -> Kind:
    """Return the kind of models: loaded ones of some classes, paths, names, or None."""

    def take(value: Any) -> Any:
        return value if isinstance(value, classes) else MODEL.take(value)

    return replace(MODEL, take=take)


#: Settings of a run.
SETTINGS: Final = instance(Settings, expected="Settings, such as Settings(size=512)")


def checks(kinds: Mapping[str, Kind]) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a function whose keyword arguments of these names have these kinds."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for name in kinds.keys() & kwargs.keys():
                kwargs[name] = checked(name, kinds[name], kwargs[name])
            return function(*args, **kwargs)

        return call

    return decorate
