"""What ``--debug`` prints for a bug report, without the folders of the machine."""

import os
import platform
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..engine import choice, memory, providers
from ..engine.threads import available_cpus
from ..errors import DeviceError, LightstyleError
from ..images import streams
from ..records import environment
from ..zoo import registry

#: Packages of the command line, besides those that compute.
_PACKAGES: Final = ("typer", "rich")

#: Prefix of environment variables that change what happens.
_PREFIX: Final = "LIGHTSTYLE_"


def header(arguments: Sequence[str]) -> list[str]:
    """Return lines on the command and what it runs on.

    Args:
        arguments: Arguments of the command line; only the last part of paths is shown.
    """
    try:
        with streams.aside():  # libraries may print when they are loaded
            return _lines(arguments)
    except OSError:  # stdout is closed
        return _lines(arguments)


def traced(error: BaseException) -> str:
    """Return the traceback of `error`, with ``~`` for the home folder."""
    return _without_home("".join(traceback.format_exception(error))).rstrip()


def _lines(arguments: Sequence[str]) -> list[str]:
    variables = [f"{k}={v}" for k, v in os.environ.items() if k.startswith(_PREFIX)]
    command = ["lightstyle", *arguments]
    versions = environment.versions()
    versions |= {package: environment.version_of(package) for package in _PACKAGES}
    sets = " ".join(environment.instruction_sets())
    cpus = f"{available_cpus()} of {os.cpu_count()}"
    return [
        f"command    {' '.join(map(_without_folders, [*variables, *command]))}",
        f"versions   {', '.join(f'{name} {n}' for name, n in versions.items())}",
        f"platform   {platform.platform()}",
        f"processor  {environment.processor()}, {cpus} usable, {sets}",
        f"memory     {memory.available() / 1e9:.1f} GB free",
        f"providers  {_providers()}",
        *(f"device     {_without_home(line)}" for line in _devices()),
    ]


def _without_folders(argument: str) -> str:
    """Shorten a path, also as the value of an option, to ``…/photo.jpg``."""
    separators = f"[{re.escape(os.sep + (os.altsep or ''))}]"
    name, equals, value = argument.rpartition("=")
    folders = re.fullmatch(f".*{separators}(.*)", value, re.DOTALL)
    return f"{name}{equals}…/{folders[1]}" if folders else argument


def _without_home(text: str) -> str:
    with suppress(RuntimeError):  # there is no such folder
        home = str(Path.home())
        return text.replace(home, "~") if len(home) > 1 else text
    return text


def _devices() -> Iterator[str]:
    graph = registry.bundled()
    with suppress(LightstyleError):  # the model that the environment names
        graph = registry.find(None)
    with suppress(DeviceError):  # which the line before says
        yield from choice.described(graph)


def _providers() -> str:
    try:
        return ", ".join(providers.listed())
    except DeviceError as error:
        return f"none ({error})"
