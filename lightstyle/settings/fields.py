"""The table of settings: a row for each, read by everything that handles settings.

These are the command line, presets, records, checkpoints and ``sheet --vary``.
`Settings` declares the same names with their defaults and help, so a new setting is one
line there and one row here.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..contract import MAXIMUM_SIDE, MINIMUM_SIDE
from ..errors import UsageError
from .choices import Color, Init, Optimizer, Outside, Pooling, Pyramid, StyleLoss
from .kinds import Kind, file, files, flag, layers, number, scale, shares, whole, word

#: Groups of options in ``--help``.
_SIZE: Final = "Size and effort"
_AIM: Final = "Style and content"
_COLORS: Final = "Colours"
_REGIONS: Final = "Masks and regions"
_START: Final = "Start and optimiser"

_CONTENT: Final = frozenset({"content"})
_STYLE: Final = frozenset({"style"})


@dataclass(frozen=True)
class Field:
    """What the table says of a setting.

    Attributes:
        kind: Its values.
        group: Where ``--help`` shows it.
        pictures: Roles of the pictures without which it has no effect.
    """

    kind: Kind
    group: str
    pictures: frozenset[str] = frozenset()


FIELDS: Final[Mapping[str, Field]] = {
    "size": Field(whole(MINIMUM_SIDE, MAXIMUM_SIDE), _SIZE, _CONTENT),
    "enlarge": Field(flag(), _SIZE),
    "iterations": Field(whole(1), _SIZE),
    "pyramid": Field(word(Pyramid), _SIZE),
    "content_weight": Field(number(0), _AIM, _CONTENT),
    "style_weight": Field(number(0), _AIM, _STYLE),
    "tv_weight": Field(number(0), _AIM),
    "content_layers": Field(layers(), _AIM, _CONTENT),
    "style_layers": Field(layers(), _AIM, _STYLE),
    "style_loss": Field(word(StyleLoss), _AIM, _STYLE),
    "balance_layers": Field(flag(), _AIM, _STYLE),
    "style_scale": Field(scale(), _AIM, _STYLE),
    "blend": Field(shares(), _AIM, _STYLE),
    "color": Field(word(Color), _COLORS, _STYLE),
    "colors_of": Field(file(), _COLORS, _STYLE),
    "content_mask": Field(files(), _REGIONS, _CONTENT | _STYLE),
    "style_mask": Field(files(), _REGIONS, _STYLE),
    "regions": Field(files(2), _REGIONS, _CONTENT | _STYLE),
    "outside": Field(word(Outside), _REGIONS, _CONTENT | _STYLE),
    "init": Field(file(Init), _START),
    "init_noise": Field(number(0, 1), _START),
    "seed": Field(whole(0), _START),
    "pooling": Field(word(Pooling), _START),
    "optimizer": Field(word(Optimizer), _START),
}


def take(name: str, value: Any) -> Any:
    """Return `value`, or its plain form, as the setting called `name` keeps it.

    Raises:
        UsageError: If there is no such setting, or it cannot have that value.
    """
    kind = _named(name).kind
    if value is None and kind.optional:
        return None
    given = " ".join(repr(value).split())  # an array's has many lines
    return _checked(name, given, lambda: kind.take(value))


def parse(name: str, written: str) -> Any:
    """Read the text of an option as a value of the setting called `name`.

    Raises:
        UsageError: As `take`.
    """
    kind = _named(name).kind
    given = written or "empty"
    return _checked(name, given, lambda: kind.take(kind.parse(written)))


def plain(name: str, value: Any) -> Any:
    """Write a value of the setting called `name` as JSON and TOML have it."""
    return None if value is None else FIELDS[name].kind.plain(value)


def option_of(name: str) -> str:
    """Return the name of a setting as the command line and presets have it."""
    return name.replace("_", "-")


def _checked(name: str, given: str, make: Callable[[], Any]) -> Any:
    """Return what `make` makes of the value that was `given`, or refuse it by name."""
    try:
        return make()
    except (ValueError, OverflowError):
        expected = FIELDS[name].kind.expected
        problem = f"{option_of(name)} is {given}, expected {expected}"
        raise UsageError(problem) from None
    except UsageError as error:  # which says what is wrong, but not where
        raise UsageError(f"{option_of(name)}: {error}") from error


def _named(name: str) -> Field:
    if name in FIELDS:
        return FIELDS[name]
    near = difflib.get_close_matches(name, FIELDS, 1)
    hint = f", did you mean {option_of(near[0])}?" if near else ""
    raise UsageError(f"{option_of(name)} is no setting{hint}")
