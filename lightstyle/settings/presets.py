"""Settings as plain values: written as a preset for people, and read back with care.

A preset is a TOML file with the names of the command line. Values that come from a
preset or a picture are checked one by one before they are believed.
"""

import difflib
import json
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..contract import VERSION
from ..errors import UsageError
from .blend import Blend, Scale
from .layers import LayerWeights
from .settings import Maps, Masks, Settings

#: Most bytes that a preset may have.
_MAXIMUM_BYTES: Final = 1_000_000


class _Kind(NamedTuple):
    """What a field's values are as plain values, in words, and how to make them."""

    plain: tuple[type, ...]
    words: str
    make: Callable[[Any], Any]


def _floats(values: list[Any]) -> list[Any]:
    """With whole numbers as floats; `Settings` refuses what is no number."""
    return [float(each) if type(each) is int else each for each in values]


def _scale(value: Any) -> Any:
    return _floats(value) if isinstance(value, list) else float(value)


def _maps(value: Any) -> Any:
    return None if value is None else tuple(value)


def _blend(value: Any) -> Any:
    return None if value is None else _floats(value)


#: By the field's type.
_KINDS: Final[Mapping[Any, _Kind]] = {
    bool: _Kind((bool,), "true or false", bool),
    int: _Kind((int,), "a whole number", int),
    float: _Kind((float, int), "a number", float),
    Scale: _Kind((float, int, list), "a number, or a list of them", _scale),
    Blend: _Kind((list, type(None)), "a list of numbers", _blend),
    str: _Kind((str,), "text", str),
    str | None: _Kind((str, type(None)), "text", lambda value: value),
    Masks: _Kind((list,), "a list of picture files", tuple),
    Maps: _Kind((list, type(None)), "two picture files", _maps),
    LayerWeights: _Kind((str,), 'text such as "conv4_2:2"', LayerWeights.parse),
}

_HEADING: Final = f"""\
# Settings of lightstyle {VERSION}, for `--config FILE`. Keep the lines that matter:
# what is not set here stays as it is, and the command line wins over this file."""


def read(path: str | Path) -> dict[str, Any]:
    """The values of a preset, by field of `Settings`, each checked by itself.

    Raises:
        UsageError: It cannot be read, is not TOML, or has what is no setting.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAXIMUM_BYTES + 1)
        if len(data) > _MAXIMUM_BYTES:
            raise ValueError(f"it has more than {_MAXIMUM_BYTES / 1e6:g} MB")
        table = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"config {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"config {path} is no preset in TOML: {error}; `lightstyle info --config` "
            "prints one"
        ) from error
    try:
        values = checked({key.replace("-", "_"): table[key] for key in table})
        replace(Settings(), **values)
    except UsageError as error:
        raise UsageError(f"config {path}: {error}") from error
    return values


def write(settings: Settings) -> str:
    """A preset of `settings`, each with its help above it.

    `read` gives the same values back, but for those that are none: their lines are
    commented out.
    """
    lines = [_HEADING]
    values = settings.as_dict()
    for declared in fields(settings):
        text = textwrap.wrap(declared.metadata["help"], 86)
        lines += ["", *(f"# {line}" for line in text)]
        value, key = values[declared.name], _key(declared.name)
        lines.append(f'# {key} = ""' if value is None else f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Settings` from plain values of unknown origin, by their names.

    Raises:
        UsageError: A name is of no field, or a value of another type than the field's.
    """
    known = {declared.name: declared for declared in fields(Settings)}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f", did you mean {_key(near[0])}?" if near else ""
            raise UsageError(f"{_key(name)} is no setting{hint}")
    return {name: _typed(known[name], value) for name, value in values.items()}


def _typed(declared: Field[Any], value: Any) -> Any:
    kind = _KINDS[declared.type]
    truth = isinstance(value, bool) and declared.type is not bool
    if isinstance(value, kind.plain) and not truth:  # to Python, true is a number, too
        with suppress(OverflowError):  # a whole number that no float holds
            return kind.make(value)
    raise UsageError(f"{_key(declared.name)} is {value!r}, expected {kind.words}")


def _key(name: str) -> str:
    return name.replace("_", "-")


def _toml(value: bool | float | str | list[float]) -> str:
    """The value as TOML, whose strings are JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
