"""Reads which settings vary, as the command line has them: ``style-weight=1e2,1e3``.

Semicolons separate values if there is one, and commas do otherwise. So values that
contain commas, such as lists of layers, are separated by semicolons, and a single one
ends with a semicolon: ``style-layers=conv1_1,conv2_1;conv3_1`` are two values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..settings.fields import option_of, parse


@dataclass(frozen=True)
class Axis:
    """A setting that varies.

    Attributes:
        name: Name of its field in `Settings`.
        values: The values that it takes, by the text that labels show.
    """

    name: str
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """Read ``style-weight=1e2,1e3``.

        Raises:
            UsageError: The setting is unknown, or a value is invalid.
        """
        option, equals, listed = text.partition("=")
        name = option.strip().replace("-", "_")
        if not equals:
            raise UsageError(
                f"vary {text!r}: no = in it; write it like style-weight=1e2,1e3"
            )
        texts = [part.strip() for part in _separated(listed)]
        if not texts:
            raise UsageError(f"vary {text!r}: no value after the =; give at least one")
        try:
            return cls(name, {part: parse(name, part) for part in texts})
        except UsageError as error:
            raise UsageError(f"vary {text!r}: {error}") from error

    @property
    def option(self) -> str:
        """Name of the setting on the command line."""
        return option_of(self.name)


def axes(texts: Sequence[str]) -> list[Axis]:
    """Read all settings that vary.

    Raises:
        UsageError: A setting varies twice, or as `Axis.parse`.
    """
    found = [Axis.parse(text) for text in texts]
    names = [axis.name for axis in found]
    for axis in found:
        if names.count(axis.name) > 1:
            raise UsageError(
                f"vary {axis.option} is given twice: put all values in one --vary"
            )
    return found


def _separated(text: str) -> list[str]:
    parts = text.split(";" if ";" in text else ",")
    return [part for part in parts if part.strip()]
