"""The command ``lightstyle info``: what is installed, or how a picture was made."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine import providers
from ..engine.threads import available_cpus
from ..errors import DeviceError, UsageError
from ..records import environment, record
from ..records.record import Record
from ..settings import presets
from ..settings.settings import Settings
from ..zoo import registry

#: Characters of a digest that are enough to tell files apart.
_DIGITS = 12

#: More of a value than this helps nobody.
_LONGEST = 200


def info(
    picture: Annotated[
        Path | None,
        typer.Argument(help="Picture that lightstyle made.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that is in PICTURE, as JSON.")
    ] = False,
    config: Annotated[
        bool,
        typer.Option("--config", help="Print settings as a file for --config."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Print versions, devices and models; or of PICTURE how it was made."""
    if config and as_json:
        raise UsageError("--config and --json are two forms: choose one of them")
    if as_json and picture is None:
        raise UsageError("--json needs a picture: lightstyle info PICTURE --json")
    if config:
        made = Settings() if picture is None else Record.read(picture).settings
        _print(presets.write(made).rstrip())
    elif picture is None:
        for line in _installation():
            _print(line)
    elif as_json:
        print(json.dumps(record.load(picture), indent=2))
    else:
        for line in _history(record.load(picture)):
            _print(line)


def _installation() -> Iterator[str]:
    for name, version in environment.versions().items():
        yield f"{name:12} {version}"
    try:
        yield f"devices      {', '.join(each.name for each in providers.available())}"
    except DeviceError as error:
        yield f"devices      none ({error})"
    yield f"cpus         {available_cpus()}"
    exporter = "installed" if registry.exporter() else "not installed"
    yield f"exporter     {exporter}"
    for path in registry.available():
        yield f"model        {path}"
    yield f"default      {registry.find(None)}"


def _history(values: Mapping[str, Any]) -> Iterator[str]:
    """What a record says, for a person; it may say anything, or nothing."""
    run, model = _part(values, "run"), _part(values, "model")
    size = "x".join(_words(side) for side in _items(values.get("size")))
    yield f"job          {_words(values.get('job'))}, {size}"
    for role, known in _part(values, "inputs").items():
        name, digest = (_part({"": known}, "").get(key) for key in ("name", "sha256"))
        yield f"{_words(role):12} {_words(name or 'no file')}{_sha256(digest)}"
    weights = _sha256(model.get("weights_sha256"))
    yield f"model        {_words(model.get('name'))}{weights}"
    loss = run.get("loss")
    loss = f"{loss:.6g}" if isinstance(loss, float) else _words(loss)
    yield (
        f"run          {_words(run.get('evaluations'))} iterations of "
        f"{_words(run.get('optimizer'))}, loss {loss}"
    )
    for key, layout in _part(run, "layouts").items():
        yield f"layout       {_words(key)}: {_layout(_part({'': layout}, ''))}"
    yield from _surroundings(values)
    yield "settings"
    today = Settings().as_dict()
    for name, value in _part(values, "settings").items():
        usual = today.get(name) in (None, value)
        note = "" if usual else f"  (default {_words(today[name])})"
        yield f"  {_words(name.replace('_', '-')):16} {_words(value)}{note}"


def _surroundings(values: Mapping[str, Any]) -> Iterator[str]:
    where = _part(values, "environment")
    threads = where.get("threads")
    if threads is None:
        threads = where.get("cpus")
    sets = " ".join(_words(each) for each in _items(where.get("instruction_sets")))
    yield (
        f"computed     on {_words(where.get('device'))}, {_words(threads)} threads, "
        f"{_words(where.get('system'))} {sets}".rstrip()
    )
    versions = _part(where, "versions") or {"lightstyle": values.get("lightstyle")}
    pairs = (f"{_words(name)} {_words(number)}" for name, number in versions.items())
    yield f"by           {', '.join(pairs)}"


def _layout(layout: Mapping[str, Any]) -> str:
    strips = "in strips" if layout.get("strips") else "whole"
    history = _part(layout, "history")
    bits = " in 16 bits" if history.get("precision") == "f2" else ""
    return f"{strips}, history of {_words(history.get('pairs'))}{bits}"


def _sha256(digest: Any) -> str:
    return f"  SHA-256 {_words(digest)[:_DIGITS]}…" if digest else ""


def _part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object at `key`; an empty one if it is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> str:
    """A value that a stranger may have written, fit for a terminal."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _print(line: str) -> None:
    """Print, as escapes what the terminal's encoding has not."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))
