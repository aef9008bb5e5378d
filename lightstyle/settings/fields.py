"""The table of settings: a row for each, read by everything that handles settings.

These are the command line, presets, records, checkpoints and ``sheet --vary``.
`Settings` declares the same names with their defaults and help, so a new setting is one
line there and one row here.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ..errors import UsageError
from ..text import printable
from .choices import (
    Color,
    Init,
    Metadata,
    Optimizer,
    Outside,
    Pooling,
    Precision,
    Pyramid,
    StyleLoss,
)
from .kinds import file, files, layers, scale, shares
from .scalars import Kind, checked, flag, made, number, side, whole, word

#: Groups of options in ``--help``.
_SIZE: Final = "Size and effort"
_AIM: Final = "Style and content"
_COLORS: Final = "Colours"
_REGIONS: Final = "Masks and regions"
_START: Final = "Start and optimiser"
_OUTPUT: Final = "Output"

#: Most evaluations of a run: a hundred times what anybody needs.
MOST_ITERATIONS: Final = 100_000

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
    "size": Field(side(), _SIZE, _CONTENT),
    "enlarge": Field(flag(), _SIZE),
    "iterations": Field(whole(1, MOST_ITERATIONS), _SIZE),
    "pyramid": Field(word(Pyramid), _SIZE),
    "strength": Field(number(0, 1, optional=True), _AIM, _CONTENT | _STYLE),
    "content_weight": Field(number(0, optional=True), _AIM, _CONTENT),
    "style_weight": Field(number(0, optional=True), _AIM, _STYLE),
    "tv_weight": Field(number(0, optional=True), _AIM),
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
    "protect": Field(file(), _REGIONS, _CONTENT | _STYLE),
    "outside": Field(word(Outside), _REGIONS, _CONTENT | _STYLE),
    "init": Field(file(Init), _START),
    "init_noise": Field(number(0, 1), _START),
    "seed": Field(whole(0, 2**64 - 1), _START),
    "pooling": Field(word(Pooling), _START),
    "optimizer": Field(word(Optimizer), _START),
    "precision": Field(word(Precision), _START),
    "metadata": Field(word(Metadata), _OUTPUT),
}


def take(name: str, value: Any) -> Any:
    """Return `value`, or its plain form, as the setting called `name` keeps it.

    Raises:
        UsageError: If there is no such setting, or it cannot have that value.
    """
    return checked(option_of(name), _named(name).kind, value)


def parse(name: str, written: str) -> Any:
    """Read the text of an option as a value of the setting called `name`.

    Raises:
        UsageError: As `take`.
    """
    kind = _named(name).kind
    make = partial(_parsed, kind, written)
    return made(option_of(name), kind, written or "empty", make)


def plain(name: str, value: Any) -> Any:
    """Write a value of the setting called `name` as JSON and TOML have it."""
    return None if value is None else FIELDS[name].kind.plain(value)


def option_of(name: str) -> str:
    """Return the name of a setting as the command line and presets have it."""
    return printable(str(name), 80).replace("_", "-")


def _parsed(kind: Kind, written: str) -> Any:
    return kind.take(kind.parse(written))


def _named(name: str) -> Field:
    if name in FIELDS:
        return FIELDS[name]
    near = difflib.get_close_matches(option_of(name).replace("-", "_"), FIELDS, 1)
    hint = f", did you mean {option_of(near[0])}?" if near else ""
    raise UsageError(f"{option_of(name)} is no setting{hint}")
