"""The command ``lightstyle info``: what is installed, or how a picture was made."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine import providers
from ..engine.threads import available_cpus
from ..errors import DeviceError, UsageError
from ..images import picture_file
from ..records import environment, record
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


@command
def info(
    picture: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PICTURE]",
            help="Picture that lightstyle made; without one, show the installation.",
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
    """
    if config and as_json:
        raise UsageError("--config and --json cannot be combined: choose one")
    if as_json and picture is None:
        raise UsageError("--json needs a picture: lightstyle info PICTURE --json")
    if config:
        made = Settings() if picture is None else Record.read(picture).settings
        show(presets.write(made).rstrip())
    elif picture is None:
        columns([*_installation()])
    elif as_json:
        print(json.dumps(record.load(picture), indent=2))
    elif (found := record.find(picture)) is None:
        show(_without_record(picture))
    else:
        columns([*_history(found)])


def _installation() -> Iterator[_Row]:
    yield from environment.versions().items()
    try:
        yield "devices", ", ".join(each.name for each in providers.available())
    except DeviceError as error:
        yield "devices", f"none ({error})"
    yield "cpus", str(available_cpus())
    yield "exporter", "installed" if registry.exporter() else "not installed"
    for path in registry.available():
        yield "model", str(path)
    yield "default", str(registry.find(None))


def _history(values: Mapping[str, Any]) -> Iterator[_Row]:
    """Yield rows on a record, which may say anything, or nothing."""
    run, model = _part(values, "run"), _part(values, "model")
    size = "x".join(_words(side) for side in _items(values.get("size")))
    yield "job", f"{_words(values.get('job'))}, {size}"
    for role, known in _part(values, "inputs").items():
        name, digest = (_part({"": known}, "").get(key) for key in ("name", "sha256"))
        yield _words(role), f"{_words(name or 'no file')}{_sha256(digest)}"
    weights = _sha256(model.get("weights_sha256"))
    yield "model", f"{_words(model.get('name'))}{weights}"
    loss = run.get("loss")
    loss = f"{loss:.6g}" if isinstance(loss, float) else _words(loss)
    yield (
        "run",
        f"{_words(run.get('evaluations'))} iterations of "
        f"{_words(run.get('optimizer'))}, loss {loss}",
    )
    for key, layout in _part(run, "layouts").items():
        yield "layout", f"{_words(key)}: {_layout(_part({'': layout}, ''))}"
    yield from _surroundings(values)
    yield "settings", ""
    today = Settings().as_dict()
    for name, value in _part(values, "settings").items():
        usual = today.get(name) in (None, value)
        note = "" if usual else f"  (default {_words(today[name])})"
        yield f"  {_words(name.replace('_', '-'))}", f"{_words(value)}{note}"


def _surroundings(values: Mapping[str, Any]) -> Iterator[_Row]:
    where = _part(values, "environment")
    threads = where.get("threads")
    if threads is None:
        threads = where.get("cpus")
    sets = " ".join(_words(each) for each in _items(where.get("instruction_sets")))
    yield (
        "computed",
        f"on {_words(where.get('device'))}, {_words(threads)} threads, "
        f"{_words(where.get('system'))} {sets}",
    )
    versions = _part(where, "versions") or {"lightstyle": values.get("lightstyle")}
    pairs = (f"{_words(name)} {_words(number)}" for name, number in versions.items())
    yield "by", ", ".join(pairs)


def _without_record(picture: Path) -> str:
    name = str(picture)
    with picture_file.opened(picture_file.read(picture, name), name) as image:
        size = "{}x{}".format(*image.size)
        kind = image.format
    return f"{printable(picture)}: {kind}, {size}, no record of how it was made"


def _layout(layout: Mapping[str, Any]) -> str:
    strips = "in strips" if layout.get("strips") else "whole"
    history = _part(layout, "history")
    bits = " in 16 bits" if history.get("precision") == "f2" else ""
    return f"{strips}, history of {_words(history.get('pairs'))}{bits}"


def _sha256(digest: Any) -> str:
    return f"  SHA-256 {_words(digest)[:_DIGITS]}…" if digest else ""


def _part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at `key`, or an empty one if it is something else."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> str:
    """Return a value of unknown origin as text that is safe on a terminal."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
