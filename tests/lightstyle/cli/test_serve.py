"""What keeps a server from starting is said in a line, with a code."""

import socket
import tempfile
from pathlib import Path

import pytest

from lightstyle.cli.serve import TOKEN_VARIABLE
from lightstyle.errors import ExitCode
from lightstyle.service.limits import Limits
from lightstyle.service.store import Store
from tests.conftest import Runner


@pytest.mark.usefixtures("studio")
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--host", "0.0.0.0"], ExitCode.USAGE, "needs --token"),
        (["--host", "no.such.host.invalid"], ExitCode.USAGE, "needs --token"),
        (["--token", "short"], ExitCode.USAGE, "at least 16 printable characters"),
        (["--token", "sixteen letters\n!"], ExitCode.USAGE, "at least 16 printable"),
        (["--port", "70000"], ExitCode.USAGE, "--port"),
        (["--workers", "0"], ExitCode.USAGE, "workers is 0"),
        (["--database", "mysql://x"], ExitCode.USAGE, "database mysql"),
        (["--database", "sqlite:///x.db"], ExitCode.USAGE, "begins with postgresql"),
        (["--presets", "nowhere"], ExitCode.USAGE, "there is no such folder"),
        (["--disk", "auto"], ExitCode.USAGE, "disk is auto, expected a size"),
        (["--disk", "plenty"], ExitCode.USAGE, "disk is plenty, expected a size"),
        (["--model", "nowhere.onnx"], ExitCode.MODEL, "does not exist"),
        (["--data", "content.png"], ExitCode.OUTPUT, "this is a file"),
        (["--data", "."], ExitCode.USAGE, "not empty and none of a server"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(
    run: Runner,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: ExitCode,
    words: str,
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    done = run("serve", "--port", 0, *options)
    assert done.code == code
    (line,) = done.lines
    assert line.startswith("error: ")
    assert words in line


@pytest.mark.usefixtures("studio")
def test_a_port_that_is_taken_is_said(run: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", port)
    assert done.code == ExitCode.OUTPUT
    assert done.lines[0].startswith(f"error: port {port} of 127.0.0.1 cannot be used")
    assert not Path("lightstyle-data").exists()


@pytest.mark.usefixtures("studio")
def test_a_folder_that_another_server_uses_is_said(run: Runner) -> None:
    store = Store(Path("lightstyle-data"), Limits())
    try:
        done = run("serve", "--port", 0)
    finally:
        store.close()
    assert (done.code, len(done.lines)) == (ExitCode.OUTPUT, 1)
    assert "another server uses this folder" in done.lines[0]


@pytest.mark.usefixtures("studio")
def test_a_database_that_cannot_be_used_is_said(run: Runner) -> None:
    temporary = tempfile.gettempdir()
    none = run("serve", "--port", 0, "--database", "postgresql://127.0.0.1:1/x")
    assert (none.code, len(none.lines)) == (ExitCode.OUTPUT, 1)
    assert "check --database" in none.lines[0]
    assert tempfile.gettempdir() == temporary
