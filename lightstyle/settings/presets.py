"""Presets: TOML files of settings, with the names of the command line."""

import json
import textwrap
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ..contract import VERSION
from ..errors import UsageError
from ..lookup import usable
from ..text import decoded, printable
from .fields import option_of, take
from .settings import Settings

#: Most bytes that a preset may have.
_MAXIMUM_BYTES: Final = 100_000

_HEADING: Final = f"""\
# Settings of lightstyle {VERSION}, for `--config FILE`. Keep the lines that matter:
# what is not set here stays as it is, and the command line wins over this file."""


def read(path: str | Path) -> dict[str, Any]:
    """Read the settings of a preset, by their names in `Settings`.

    Raises:
        UsageError: If the file cannot be read or is not TOML, or a name is no setting,
            or a value none of its setting.
    """
    try:
        with usable(path, f"config {path}").open("rb") as file:
            data = file.read(_MAXIMUM_BYTES + 1)
        if len(data) > _MAXIMUM_BYTES:
            raise ValueError(f"it has more than {_MAXIMUM_BYTES / 1e3:g} kB")
        table = tomllib.loads(decoded(data))
    except OSError as error:
        raise UsageError(f"config {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"config {path} is not a preset in TOML: {printable(str(error))}; "
            "`lightstyle info --config` prints one"
        ) from error
    try:
        named = {key.replace("-", "_"): table[key] for key in table}
        values = {name: take(name, value) for name, value in named.items()}
        replace(Settings(), **values)
    except UsageError as error:
        raise UsageError(f"config {path}: {error}") from error
    return values


def write(settings: Settings) -> str:
    """Write a preset of `settings`, each with its help above it.

    `read` gives the same values back. Settings that are None are commented out.
    """
    lines = [_HEADING]
    values = settings.as_dict()
    for declared in fields(settings):
        text = textwrap.wrap(declared.metadata["help"], 86)
        lines += ["", *(f"# {line}" for line in text)]
        value, key = values[declared.name], option_of(declared.name)
        lines.append(f'# {key} = ""' if value is None else f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: bool | float | str | list[float]) -> str:
    """Write a value as TOML, whose strings are JSON's but for rare characters.

    Those that a terminal does not show are escaped, too.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
