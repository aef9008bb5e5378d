"""Settings that vary: ``style-weight=1e2,1e3`` as the command line has it.

Values are separated by semicolons if there is one, and by commas otherwise. So a value
that has commas itself, such as a list of layers, is written with a semicolon after it:
``style-layers=conv1_1,conv2_1;conv3_1`` are two values.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from ..errors import UsageError
from ..settings.blend import Blend, Scale, parse_blend, parse_scale
from ..settings.layers import LayerWeights
from ..settings.settings import Maps, Masks, Settings


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


_TRUTHS: Final = {"true": True, "false": False, "on": True, "off": False}

#: How a value is read, by the type of its field.
_PARSERS: Final[Mapping[Any, Callable[[str], Any]]] = {
    bool: lambda text: _TRUTHS[text.lower()],
    int: int,
    float: float,
    Scale: parse_scale,
    Blend: parse_blend,
    str: str,
    str | None: str,
    Masks: _listed,
    Maps: _listed,
    LayerWeights: LayerWeights.parse,
}

_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Axis:
    """A setting, and the values that it is to have.

    Attributes:
        name: Of the field of `Settings`.
        values: By how they were written.
    """

    name: str
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """Read ``style-weight=1e2,1e3``.

        Raises:
            UsageError: If that is no setting, or one of the values is none of it.
        """
        option, equals, listed = text.partition("=")
        name = option.strip().replace("-", "_")
        known = {each.name: each for each in fields(Settings)}
        if not equals or name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f", did you mean {near[0].replace('_', '-')}?" if near else ""
            what = f"{option} is no setting{hint}" if equals else "it has no ="
            raise UsageError(
                f"vary {text!r}: {what}; expected such as style-weight=1e2,1e3"
            )
        texts = [part.strip() for part in _separated(listed)]
        if not texts:
            raise UsageError(f"vary {text!r}: there is no value after the =")
        kind = known[name].type
        return cls(name, {part: _value(name, kind, part) for part in texts})

    @property
    def option(self) -> str:
        """Name as the command line has it."""
        return self.name.replace("_", "-")


def axes(texts: Sequence[str]) -> list[Axis]:
    """All that varies.

    Raises:
        UsageError: If nothing does, or a setting twice, or as `Axis.parse`.
    """
    found = [Axis.parse(text) for text in texts]
    if not found:
        raise UsageError("nothing varies: give --vary, such as style-weight=1e2,1e3")
    names = [axis.name for axis in found]
    for axis in found:
        if names.count(axis.name) > 1:
            raise UsageError(
                f"vary {axis.option} is given twice: put all values in one"
            )
    return found


def _separated(text: str) -> list[str]:
    parts = text.split(";" if ";" in text else ",")
    return [part for part in parts if part.strip()]


def _value(name: str, kind: Any, text: str) -> Any:
    """A value of the field, checked as far as it can be by itself.

    Raises:
        UsageError: It is none.
    """
    try:
        value = _PARSERS[kind](text)
    except (ValueError, LookupError) as error:
        option = name.replace("_", "-")
        raise UsageError(
            f"vary {option}: {text!r} is no value of it, expected {_WORDS[kind]}"
        ) from error
    return value
