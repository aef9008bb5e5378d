"""Every command that README and the guide show works."""

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from export.cli import app as export_app
from lightstyle import model_folder
from lightstyle.cli.app import app
from tests.support import documents, official
from tests.support.documents import DOCUMENTS, Snippet, call

#: Commands that are not run, and why. Those of `lightstyle` are parsed all the same.
NOT_RUN: Final[Mapping[str, str]] = {
    "python3 -c": "installs from the network",
    "python3 -m venv": "installs from the network; .ci/run runs it",
    "python3 -m pip": "installs from the network",
    "python3 -m webbrowser": "opens a browser",
    "py -3": "is for Windows",
    "magick": "is another program",
    ".venv": "is for Windows",
    "python models/": "trains for an hour",
    "lightstyle models fetch vgg19": "needs the network, but for --from",
    "lightstyle batch photos painting.jpg -o out --watch": "waits for ever",
    "lightstyle batch photos painting.jpg -o out --cluster": "needs a cluster",
    "lightstyle stylize photo.jpg painting.jpg --size 8192": "needs a cluster",
    "lightstyle serve": "waits for ever",
    "lightstyle page": "needs the network, for npm; tests/lightstyle/page runs it",
    "python -m http.server": "waits for ever",
    "curl": "is another program",
    "docker": "is another program",
    "ray": "is another program",
}

#: Options that are made small, where a command has them.
SMALL: Final = {
    "--size": "48",
    "--iterations": "2",
    "--memory": "16GB",
    "--workers": "1",
}

#: Commands that get them, given or not.
PAINTING: Final = {"stylize", "content", "texture", "batch", "sheet"}

SNIPPETS: Final = [each for path in DOCUMENTS for each in documents.commands(path)]


def _named(snippet: Snippet) -> str:
    return f"{snippet.place} {snippet.text[:60]}"


@pytest.mark.parametrize("snippet", SNIPPETS, ids=_named)
def test_a_command_works(
    snippet: Snippet, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = re.match(r"(?:nohup )?python -m (tests[.\w]*)", snippet.text)
    if module:
        assert importlib.util.find_spec(module[1])
    elif snippet.is_mention:
        _check_words(shlex.split(snippet.text)[1:])
    elif _reason(snippet):
        if snippet.text.startswith("lightstyle "):
            _check_words(shlex.split(snippet.text)[1:])
    elif "|" in snippet.text or ">" in snippet.text:
        _run_by_shell(snippet.text)
    else:
        program, *arguments = shlex.split(snippet.text)
        assert program == "lightstyle", f"{snippet.place}: add a reason to NOT_RUN"
        if "--from" in arguments:
            _publish(Path(arguments[-1]), monkeypatch)
        _clear(arguments)
        call(_small(arguments))


def _reason(snippet: Snippet) -> str:
    """Why a command is not run; empty if it is."""
    reasons = (NOT_RUN[start] for start in NOT_RUN if snippet.text.startswith(start))
    return "" if "--from" in snippet.text else next(reasons, "")


@pytest.mark.parametrize("start", NOT_RUN)
def test_every_exception_is_still_needed(start: str) -> None:
    assert any(each.text.startswith(start) for each in SNIPPETS if _reason(each))


def _publish(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a small file in the place of the official one."""
    path.write_bytes(official.data(path.parent))
    official.patch(monkeypatch, ["https://nowhere/vgg19.h5"], path.read_bytes())
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, "cache")


def _clear(arguments: list[str]) -> None:
    """Remove what a command writes, or would continue."""
    if "--checkpoint" in arguments:
        for path in Path().glob("*.checkpoint*"):
            path.unlink()
    for option, value in pairwise(arguments):
        if option == "-o" and Path(value).is_file():
            Path(value).unlink()


def _small(arguments: list[str]) -> list[str]:
    """The same command at a small size."""
    small, command = [*arguments], arguments[0]
    sized = {*PAINTING, "compare"} - {"texture"}
    if command in sized and not {"--size", "--like"} & {*arguments}:
        small += ["--size", "48"]
    if command in PAINTING and "--iterations" not in arguments:
        small += ["--iterations", "2"]
    for n, option in enumerate(small[:-1]):
        if option in SMALL:
            wide = "x" in small[n + 1]
            small[n + 1] = "48x48" if wide else SMALL[option]
    return small


def _run_by_shell(text: str) -> None:
    """Run a pipe or a redirection."""
    parts = re.split(r"(\s[|>]\s)", text)
    for n, part in enumerate(parts):
        program, *arguments = shlex.split(part) or [""]
        if program == "lightstyle":
            parts[n] = shlex.join([program, *_small(arguments)])
    subprocess.run(["bash", "-euo", "pipefail", "-c", "".join(parts)], check=True)


def _check_words(arguments: list[str]) -> None:
    """Check that a command and its options exist, without running it."""
    command: Any = typer.main.get_command(app)
    words = iter(arguments)
    while hasattr(command, "list_commands"):
        word = next(words, "--help")
        if word.startswith("-"):
            break
        assert word in command.list_commands(None), f"there is no command {word}"
        command = command.get_command(None, word)
    if command.name == "export":  # which has a command line of its own
        command = typer.main.get_command(export_app)
    known = {name for each in command.params for name in each.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known
