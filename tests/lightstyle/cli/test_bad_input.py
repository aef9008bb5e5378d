"""What a person can get wrong ends in one line, a documented code, no new file."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightstyle import model_folder
from lightstyle.errors import ExitCode
from lightstyle.zoo import registry
from tests import messages
from tests.conftest import Runner
from tests.support.bad_arguments import CASES, quick
from tests.support.wrecks import make_wrecks

#: Most characters of an error.
LONGEST = 400


@pytest.fixture(scope="module")
def wrecks(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, foreign_onnx: Path
) -> Path:
    """A folder full of broken things. No test may leave anything in it."""
    folder = tmp_path_factory.mktemp("wrecks")
    make_wrecks(folder, tiny_model, foreign_onnx)
    return folder


def _everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_one_code_and_no_new_file(
    run: Runner,
    wrecks: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    monkeypatch.chdir(wrecks)
    monkeypatch.setenv(registry.MODEL_VARIABLE, str(wrecks / "tiny.onnx"))
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(wrecks / "cache"))
    arguments, code, words = CASES[case]
    if case == "model without a layer":
        monkeypatch.setattr(registry, "_EXPORTERS", ())
    before = _everything(wrecks)
    done = run(*arguments)
    assert len(done.lines) == 1, done.lines
    assert done.lines[0].startswith("error: ")
    assert words in done.lines[0]
    assert len(done.lines[0]) <= LONGEST
    assert done.code == code
    assert done.out == ""
    assert _everything(wrecks) == before


@pytest.mark.parametrize(
    "command",
    [
        "X",
        "guide X",
        "models X",
        "models path X",
        "models fetch X",
        "info X",
        "resume X",
        "compare X --content X",
        "batch X X -o X",
        "sheet X X -o X",
        "stylize X X",
        "stylize content.png X -o o.png",
        "stylize content.png style.png --X",
        "stylize content.png style.png -o X.png",
        *(
            f"stylize content.png style.png --{option} X"
            for option in (
                *("size", "optimizer", "style-layers", "blend", "memory", "device"),
                *("model", "config", "like", "init", "content-mask", "log"),
            )
        ),
    ],
)
def test_an_argument_of_any_length_makes_a_short_line(
    run: Runner, studio: Path, command: str
) -> None:
    for long in ("x" * 3000, "\u6f22" * 3000, f"{'y' * 200}/" * 15):
        done = run(*(word.replace("X", long) for word in command.split()))
        (line,) = done.lines
        assert line.startswith("error: ")
        assert len(line) <= LONGEST
        assert "bug" not in line


def test_all_messages_can_be_printed_in_one_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in (registry.MODEL_VARIABLE, model_folder.CACHE_VARIABLE):
        monkeypatch.setenv(variable, "restored after the test")
    few = {name: CASES[name] for name in ("missing content", "zero iterations")}
    monkeypatch.setattr(messages, "CASES", few)
    messages.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "missing content (3)",
        "  $ stylize no.png style.png -o out.png",
    ]
    assert sum(line.startswith("  error: ") for line in lines) == len(few)


def _full(*arguments: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _protected(*arguments: Any, **others: Any) -> Any:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("broken", "how", "words"),
    [
        ("os.fsync", _full, "No space left"),
        ("pathlib.Path.replace", _full, "No space left"),
        ("pathlib.Path.open", _protected, "Permission denied"),
    ],
    ids=["disk full", "disk full at the end", "folder write-protected"],
)
def test_a_disk_that_refuses_is_one_error_and_leaves_nothing(
    run: Runner,
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    how: Callable[..., Any],
    words: str,
) -> None:
    before = _everything(studio)
    monkeypatch.setattr(broken, how)
    done = run(*quick("--quiet"))
    monkeypatch.undo()
    assert done.code == ExitCode.OUTPUT
    assert len(done.lines) == 1
    assert words in done.lines[0]
    assert _everything(studio) == before
