"""Presets: TOML files of settings, with the names of the command line.

Some ship with the package, in the folder ``presets``, and are called by their names.
"""

import json
import textwrap
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ..contract import VERSION
from ..errors import UsageError
from ..lookup import exists, is_folder, usable
from ..text import decoded, printable
from .fields import option_of, take
from .scalars import any_of, checked, path
from .settings import Settings

#: Folder of the presets that ship with the package.
SHIPPED: Final = Path(__file__).parents[1] / "presets"

#: Most bytes that a preset may have.
_MAXIMUM_BYTES: Final = 100_000

#: Most dots of a line. Python takes time in the square of the length of a dotted key.
_MOST_DOTS: Final = 1000

_HEADING: Final = f"""\
# Settings of lightstyle {VERSION}, for `--config FILE`. Keep the lines that matter:
# what is not set here stays as it is, and the command line wins over this file."""


def preset(name: str | Path) -> Settings:
    """Return the settings of a preset, with defaults for what it does not set.

    Args:
        name: Name of one that ships with the package, such as ``"gatys"``, or the path
            of a TOML file.

    Raises:
        UsageError: As `read`.
    """
    return replace(Settings(), **read(checked("name", path(), name)))


def names() -> list[str]:
    """List the presets that ship with the package."""
    return sorted(file.stem for file in SHIPPED.glob("*.toml"))


def shipped(name: str | Path) -> Path | None:
    """Return the file of the preset that ships as `name`, None if there is none.

    A file here of exactly that name comes first.
    """
    given = Path(name)
    if str(name) not in names() or (exists(given) and not is_folder(given)):
        return None
    return SHIPPED / f"{name}.toml"


def read(name: str | Path) -> dict[str, Any]:
    """Read the settings of a preset, by their names in `Settings`.

    Args:
        name: Path of a file, or the name of one that ships with the package.

    Raises:
        UsageError: If there is no such file or name, the file cannot be read or is not
            TOML, or a name in it is no setting, or a value none of its setting.
    """
    found = shipped(name) or usable(name, f"config {name}")
    if not exists(found) and _is_word(name):
        raise UsageError(
            f"config {printable(name, 80)} is neither a file here nor a preset that "
            f"ships with lightstyle: give the path of a file, or {any_of(names())}"
        )
    try:
        with found.open("rb") as file:
            data = file.read(_MAXIMUM_BYTES + 1)
        if len(data) > _MAXIMUM_BYTES:
            raise ValueError(f"it has more than {_MAXIMUM_BYTES / 1e3:g} kB")
        text = decoded(data)
        if max(line.count(".") for line in text.split("\n")) > _MOST_DOTS:
            raise ValueError(f"a line has more than {_MOST_DOTS} dots")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"config {name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"config {name} is not a preset in TOML: {printable(str(error))}; "
            "`lightstyle info --config` prints one"
        ) from error
    try:
        named = {key.replace("-", "_"): table[key] for key in table}
        values = {key: take(key, value) for key, value in named.items()}
        replace(Settings(), **values)
    except UsageError as error:
        raise UsageError(f"config {name}: {error}") from error
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


def _is_word(name: str | Path) -> bool:
    """Whether `name` has neither a separator nor a suffix, as names of presets."""
    return str(name) == Path(name).name and not Path(name).suffix


def _toml(value: bool | float | str | list[float]) -> str:
    """Write a value as TOML, whose strings are JSON's but for rare characters.

    Those that a terminal does not show are escaped, too.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
