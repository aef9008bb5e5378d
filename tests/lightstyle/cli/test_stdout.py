"""Standard output that is full, closed, read in part, or lacks a character."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightstyle.cli.app import main
from lightstyle.errors import ExitCode
from lightstyle.jobs import failures
from tests.conftest import Runner
from tests.support.processes import ROOT

FULL = Path("/dev/full")

PRINTING = [
    ["--version"],
    ["--help"],
    ["stylize", "--help"],
    ["guide"],
    ["guide", "regions"],
    ["info"],
    ["info", "--config"],
    ["models", "list"],
    ["models", "path"],
    ["models", "verify"],
    ["export", "--help"],
    ["stylize", "content.png", "style.png", "-o", "out.png", "--dry-run"],
    ["compare", "content.png", "--content", "content.png"],
    ["compare", "content.png", "--content", "content.png", "--json"],
]


class _Failing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def _run(
    stdout: Any, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> int | str | None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        with pytest.raises(SystemExit) as caught:
            main(command)
    return caught.value.code


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_a_stdout_that_takes_nothing_is_one_line_and_a_code(
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    full = OSError(28, "No space left on device")
    assert _run(_Failing(full), monkeypatch, command) == ExitCode.OUTPUT
    assert _run(None, monkeypatch, command) == ExitCode.OUTPUT
    lines = [x for x in capsys.readouterr().err.splitlines() if "measuring" not in x]
    assert lines == [
        "error: cannot write to standard output: No space left on device; redirect it "
        "elsewhere",
        "error: cannot write to standard output: it is closed; redirect it elsewhere",
    ]


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    left = BrokenPipeError(32, "Broken pipe")
    assert _run(_Failing(left), monkeypatch, command) == ExitCode.OK
    assert "error" not in capsys.readouterr().err


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_python_has_nothing_to_add_at_its_end(studio: Path) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "models", "list"]
    with FULL.open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr.count(b"\n") == 1
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_earlier_error_keeps_its_code(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    failing = _Failing(OSError(28, "No space left on device"))
    assert _run(failing, monkeypatch, ["info", "no.png"]) == ExitCode.IMAGE


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize(
    "command",
    [
        ["info", "漢字 1.png"],
        ["compare", "漢字 1.png", "--content", "漢字 1.png"],
        ["models", "path", "漢字.onnx"],
    ],
    ids=" ".join,
)
def test_a_name_that_the_encoding_lacks_is_replaced(
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    encoding: str,
) -> None:
    Image.open("content.png").save("漢字 1.png")
    Path("漢字.onnx").touch()
    data = io.BytesIO()
    stdout = io.TextIOWrapper(data, encoding=encoding, write_through=True)
    assert _run(stdout, monkeypatch, command) == 0
    name = {"utf-8": "漢字"}.get(encoding, "\\u6f22\\u5b57")
    assert name in data.getvalue().decode(encoding)


@pytest.mark.parametrize("kind", ["full", "left", "closed", "cp1252"])
def test_a_table_that_cannot_be_printed_does_not_lose_the_failures(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    Path("photos").mkdir()
    Path("photos/漢字.jpg").write_bytes(b"no picture")
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    streams = {
        "full": _Failing(OSError(28, "No space left on device")),
        "left": _Failing(BrokenPipeError(32, "Broken pipe")),
        "cp1252": narrow,
    }
    command = ["batch", "photos", "style.png", "-o", "out", "--failures", "f.jsonl"]
    assert _run(streams.get(kind), monkeypatch, command) == ExitCode.SOME_FAILED
    ((path, _),) = failures.read(Path("f.jsonl"))
    assert path.name == "漢字.jpg"
    assert json.loads(Path("f.jsonl").read_text())["code"] == ExitCode.IMAGE


def test_the_table_is_printed_although_the_list_cannot_be_written(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("photos").mkdir()
    Path("photos/bad.jpg").write_bytes(b"no picture")
    monkeypatch.setattr(
        "lightstyle.jobs.failures.atomic_write",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    done = run("batch", "photos", "style.png", "-o", "out", "--failures", "f.jsonl")
    assert done.code != 0
    assert "photos/bad.jpg" in done.out
