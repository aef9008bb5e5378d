"""The command ``lightstyle info``: what is installed, or how a picture was made."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine import choice
from ..engine.threads import available_cpus
from ..errors import DeviceError, UsageError
from ..images import picture_file
from ..records import environment, in_picture
from ..records.record import Record
from ..settings import presets
from ..settings.settings import Settings
from ..text import printable
from ..zoo import registry
from .console import columns, show
from .help import command

#: A label and its value.
_Row = tuple[str, str]

#: Digits of a digest that are enough to tell files apart.
_DIGITS = 12

#: Longest text that is shown of a value.
_LONGEST = 200

#: Most values of a list or an object that are shown.
_MOST = 100


class Unchecked:
    """A JSON value of unknown origin: what it should hold and does not is null.

    Attributes:
        value: The value.
    """

    def __init__(self, value: Any) -> None:
        """Wrap a value."""
        self.value = value

    def __getitem__(self, key: str) -> "Unchecked":
        """Return a value of an object."""
        return Unchecked(self.value.get(key) if isinstance(self.value, dict) else None)

    def items(self) -> Iterator[tuple[str, "Unchecked"]]:
        """Yield each key of an object, fit to print, with its value."""
        known = self.value if isinstance(self.value, dict) else {}
        for key, value in islice(known.items(), _MOST):
            yield str(Unchecked(key)), Unchecked(value)

    def __iter__(self) -> Iterator["Unchecked"]:
        """Yield the values of a list."""
        known = self.value if isinstance(self.value, list) else []
        yield from map(Unchecked, known[:_MOST])

    def __bool__(self) -> bool:
        """Return whether there is something."""
        return bool(self.value)

    def __str__(self) -> str:
        """Return the value as text that is safe on a terminal."""
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@command
def info(
    picture: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PICTURE]",
            help="Picture that lightstyle made; without one, show the installation. "
            "With --config, it may be the name of a preset.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole record as JSON.")
    ] = False,
    config: Annotated[
        bool,
        typer.Option("--config", help="Print the settings as a preset for --config."),
    ] = False,
) -> None:
    """Show the installation, or how a picture was made.

    Without PICTURE: versions, devices and models. With it: the job, input pictures,
    model and settings that are recorded in the file.

    Examples:
        lightstyle info
        lightstyle info out.png
        lightstyle info --config > preset.toml
        lightstyle info gatys --config
    """
    if config and as_json:
        raise UsageError("--config and --json cannot be combined: choose one")
    if as_json and picture is None:
        raise UsageError("--json needs a picture: lightstyle info PICTURE --json")
    if config:
        show(_preset(picture).rstrip())
    elif picture is None:
        columns([*_installation()])
    elif as_json:
        show(json.dumps(in_picture.load(picture), indent=2))
    elif (found := in_picture.find(picture)) is None:
        show(_without_record(picture))
    else:
        columns([*_history(Unchecked(found))])


def _preset(picture: Path | None) -> str:
    """Return the text of a preset: of today's defaults, one that ships, or a picture's.

    Raises:
        ImageError: As `Record.read`.
    """
    if picture is None:
        return presets.write(Settings())
    if shipped := presets.shipped(picture):
        return shipped.read_text("utf-8")
    return presets.write(Record.read(picture).settings)


def _installation() -> Iterator[_Row]:
    yield from environment.versions().items()
    try:
        graph = registry.find(None)
        for line in choice.described(graph):
            yield "device", line
    except DeviceError as error:
        yield "device", f"none ({error})"
    yield "cpus", str(available_cpus())
    missing = f"not installed: {registry.EXTRA}"
    yield "exporter", "installed" if registry.exporter() else missing
    for path in registry.available():
        yield "model", str(path)
    yield "default", str(registry.find(None))
    yield "presets", ", ".join(presets.names())


def _history(made: Unchecked) -> Iterator[_Row]:
    """Yield rows on a record."""
    run, model = made["run"], made["model"]
    yield "job", f"{made['job']}, {'x'.join(map(str, made['size']))}"
    for role, file in made["inputs"].items():
        yield role, f"{file['name'] or 'no file'}{_sha256(file)}"
    yield "model", f"{model['name']}{_sha256(model)}"
    loss = _short(run["loss"])
    yield "run", f"{run['evaluations']} iterations of {run['optimizer']}, loss {loss}"
    if weights := run["balance"]:
        parts = (f"{part} {_short(value)}" for part, value in weights.items())
        yield "weights", ", ".join(parts)
    for size, layout in run["layouts"].items():
        cut, history = layout["strips"], layout["history"]
        how = "in strips" if cut else "whole"
        if cut["bands"]:
            how += f", bands {cut['bands']}"
        bits = " in 16 bits" if history["precision"].value == "f2" else ""
        yield "layout", f"{size}: {how}, history of {history['pairs']}{bits}"
    where = made["environment"]
    threads = where["threads"] or where["cpus"]
    sets = " ".join(map(str, where["instruction_sets"]))
    on = f"on {where['device']}, {threads} threads"
    yield "computed", f"{on}, {where['system']} {sets}"
    versions = where["versions"] or Unchecked({"lightstyle": made["lightstyle"].value})
    yield "by", ", ".join(f"{name} {number}" for name, number in versions.items())
    yield "settings", ""
    today = Settings().as_dict()
    for name, setting in made["settings"].items():
        usual = today.get(name) in (None, setting.value)
        note = "" if usual else f"  (default {Unchecked(today[name])})"
        yield f"  {name.replace('_', '-')}", f"{setting}{note}"


def _without_record(picture: Path) -> str:
    name = str(picture)
    with picture_file.opened(picture_file.read(picture, name), name) as image:
        size = "{}x{}".format(*image.size)
        kind = image.format
    return f"{printable(picture)}: {kind}, {size}, no record of how it was made"


def _sha256(known: Unchecked) -> str:
    digest = known["sha256"] or known["weights_sha256"]
    return f"  SHA-256 {str(digest)[:_DIGITS]}…" if digest else ""


def _short(number: Unchecked) -> str:
    """Write a number with six digits, and anything else as it is."""
    value = number.value
    return f"{value:.6g}" if isinstance(value, float) else str(number)
