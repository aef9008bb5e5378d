"""Settings that vary: ``style-weight=1e2,1e3`` as the command line has it.

Values are separated by semicolons if there is one, and by commas otherwise. So a value
that has commas itself, such as a list of layers, is written with a semicolon after it:
``style-layers=conv1_1,conv2_1;conv3_1`` are two values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..settings.fields import option_of, parse


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
        if not equals:
            raise UsageError(
                f"vary {text!r}: it has no =, expected such as style-weight=1e2,1e3"
            )
        texts = [part.strip() for part in _separated(listed)]
        if not texts:
            raise UsageError(f"vary {text!r}: there is no value after the =")
        try:
            return cls(name, {part: parse(name, part) for part in texts})
        except UsageError as error:
            raise UsageError(f"vary {text!r}: {error}") from error

    @property
    def option(self) -> str:
        """Name as the command line has it."""
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
                f"vary {axis.option} is given twice: put all values in one"
            )
    return found


def _separated(text: str) -> list[str]:
    parts = text.split(";" if ";" in text else ",")
    return [part for part in parts if part.strip()]
