"""Pictures through pipes: nothing else ever goes to stdout."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ExitCode, ImageError, UsageError
from lightstyle.images import streams
from lightstyle.records.record import Record
from tests.conftest import Runner
from tests.support.processes import ROOT

QUICK = ["--size", "48", "--iterations", "2"]
STYLIZE = ["stylize", "content.png", "style.png", *QUICK]

#: A command that prints to stdout in every way that a library may.
NOISY = f"""
import functools, os, sys
sys.path.insert(0, {str(ROOT)!r})
from lightstyle.cli import app
from lightstyle.transfer import stylize as transfer
job = transfer.JOBS["stylize"]
@functools.wraps(job)
def noisy(*arguments, **options):
    print("from Python")
    os.system("echo from a child")
    os.write(1, b"from C")
    return job(*arguments, **options)
transfer.JOBS = dict(transfer.JOBS, stylize=noisy)
app.main()
"""


def _pipe(
    *arguments: str, code: str | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    start = ["-c", code] if code else [str(ROOT / "cli.py")]
    command = [sys.executable, *start, *arguments]
    return subprocess.run(
        command, stderr=subprocess.PIPE, **{"stdout": subprocess.PIPE, **options}
    )


def test_a_picture_goes_through_pipes(run: Runner, studio: Path) -> None:
    data = Path("content.png").read_bytes()
    done = _pipe("stylize", "-", "style.png", "-o", "-", *QUICK, input=data)
    assert done.returncode == 0, done.stderr
    assert run(*STYLIZE, "-o", "file.png").code == 0
    with Image.open(io.BytesIO(done.stdout)) as piped, Image.open("file.png") as file:
        assert piped.format == "PNG"
        assert np.array_equal(np.asarray(piped), np.asarray(file))
    Path("piped.png").write_bytes(done.stdout)
    known = Record.read("piped.png").inputs["content"]
    assert known == {**Record.read("file.png").inputs["content"], "name": None}


def test_nothing_else_is_on_stdout(studio: Path) -> None:
    options = ["-o", "-", "--debug", "--bits", "16"]
    done = _pipe(*STYLIZE, *options, code=NOISY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stdout.endswith(b"IEND\xaeB`\x82")
    for words in (b"from Python", b"from a child", b"from C", b"2/2"):
        assert words in done.stderr


def test_an_error_leaves_stdout_empty(studio: Path) -> None:
    done = _pipe("stylize", "-", "style.png", "-o", "-", input=b"no picture")
    assert done.returncode == ExitCode.IMAGE
    assert done.stdout == b""
    assert done.stderr.startswith(b"error: content from standard input: not a pi")


def test_a_reader_that_leaves_is_one_error(studio: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = _pipe(*STYLIZE, "-o", "-", "--quiet", stdout=writing)
    os.close(writing)
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr.decode().startswith(
        "error: cannot write to standard output: Broken pipe"
    )
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_gets_no_picture(studio: Path) -> None:
    outer, inner = pty.openpty()
    done = _pipe(*STYLIZE, "-o", "-", stdout=inner)
    for end in (outer, inner):
        os.close(end)
    assert done.returncode == ExitCode.USAGE
    assert b"standard output is a terminal" in done.stderr


def test_a_stdout_that_is_closed_is_one_error(studio: Path) -> None:
    done = _pipe(*STYLIZE, "-o", "-", code=f"import os; os.close(1)\n{NOISY}")
    assert done.returncode == ExitCode.OUTPUT
    assert b"error: cannot write to standard output: Bad file" in done.stderr


def test_one_of_several_styles_may_come_from_stdin(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO(Path("style.png").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    command = ["stylize", "content.png", "content.png", "-", "-o", "out.png"]
    assert run(*command, *QUICK).code == 0
    inputs = Record.read("out.png").inputs
    assert (inputs["style 1"]["name"], inputs["style 2"]["name"]) == (
        "content.png",
        None,
    )


def test_nobody_types_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    with pytest.raises(UsageError, match=r"^style: standard input is a terminal"):
        streams.read("style")


def test_a_stdin_that_is_closed_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ImageError, match=r"^content: standard input is closed"):
        streams.read("content")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["stylize", "-", "-", "-o", "out.png"],
            "only one picture can come",
        ),
        (
            ["texture", "-", "-", "-o", "out.png", "--size=64x64"],
            "only one picture can come",
        ),
        ([*STYLIZE, "-o", "-", "--save-every=2"], "save-every needs a named"),
        (
            [*STYLIZE, "-o", "-", "--checkpoint=auto"],
            "checkpoint needs a named",
        ),
        ([*STYLIZE, "-o", "-", "--bits=12"], "choose 8 or 16"),
        (
            ["stylize", "-", "style.png", "-o", "out.png", "--checkpoint=auto"],
            "must read its images from files; give a path",
        ),
    ],
)
def test_what_does_not_go_with_a_stream_is_refused(
    run: Runner,
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    problem: str,
) -> None:
    data = io.BytesIO(Path("content.png").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    done = run(*arguments)
    assert done.code == ExitCode.USAGE
    assert len(done.lines) == 1
    assert problem in done.lines[0]


def test_more_than_a_picture_may_have_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MAXIMUM_BYTES", 10)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(11))))
    with pytest.raises(ImageError, match=r"^style from standard input: more than"):
        streams.read("style")


def test_stdout_is_put_aside_and_back(capfdbinary: Any) -> None:
    with streams.aside() as kept:
        os.write(1, b"noise")
        os.write(kept, b"picture ")
    os.write(1, b"as before")
    captured = capfdbinary.readouterr()
    assert captured.out == b"picture as before"
    assert captured.err == b"noise"


@contextmanager
def _pipes(*names: str) -> Iterator[list[str]]:
    """Pipes with what these files hold, as a shell makes of ``<(cat FILE)``."""
    ends = []
    for name in names:
        reading, writing = os.pipe()
        os.write(writing, Path(name).read_bytes())  # less than a pipe holds
        os.close(writing)
        ends.append(reading)
    yield [f"/dev/fd/{end}" for end in ends]
    for end in ends:
        os.close(end)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd")
def test_pictures_come_through_the_pipes_of_a_shell(run: Runner, studio: Path) -> None:
    with _pipes("content.png", "style.png") as pipes:
        assert run("stylize", *pipes, "-o", "piped.png", *QUICK).code == 0
    assert run(*STYLIZE, "-o", "file.png").code == 0
    piped, file = Record.read("piped.png"), Record.read("file.png")
    digests = {role: known["sha256"] for role, known in file.inputs.items()}
    assert {role: known["sha256"] for role, known in piped.inputs.items()} == digests
    with Image.open("piped.png") as one, Image.open("file.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="there is no /dev/stdin")
def test_dev_stdin_is_standard_input(studio: Path) -> None:
    data = Path("content.png").read_bytes()
    command = ["stylize", "/dev/stdin", "style.png", "-o", "out.png", *QUICK]
    done = _pipe(*command, input=data)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("stylize PIPE style.png", "comes from a pipe: name the picture to write"),
        ("stylize content.png style.png -o o.png --content-mask PIPE", "save it as a"),
        ("stylize PIPE style.png -o o.png --checkpoint c", "content is a pipe: a run"),
        ("sheet PIPE style.png -o o.png", "save it as a file first"),
        ("batch . PIPE -o out", "save it as a file first"),
        ("compare PIPE --content content.png", "save it as a file first"),
        ("info PIPE", "save it as a file first"),
    ],
)
def test_a_pipe_that_would_be_read_twice_is_refused(
    run: Runner, studio: Path, command: str, problem: str
) -> None:
    with _pipes("content.png") as (pipe,):
        done = run(*command.replace("PIPE", pipe).split())
    assert done.code in (ExitCode.USAGE, ExitCode.IMAGE)
    assert problem in done.lines[-1]
