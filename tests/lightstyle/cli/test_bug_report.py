from pathlib import Path

import pytest

import lightstyle
from lightstyle.cli import bug_report
from lightstyle.engine import providers
from lightstyle.errors import DeviceError, ExitCode
from tests.conftest import Runner


def test_debug_begins_with_what_a_report_needs(run: Runner, studio: Path) -> None:
    secret = studio / "private" / "photo.jpg"
    options = [f"--init={secret}", "-o", "x.png", "--debug"]
    done = run("stylize", secret, "style.png", *options)
    assert done.code == ExitCode.IMAGE
    heads = [line.split()[0] for line in done.lines[:6]]
    assert heads == [
        *("command", "versions", "platform", "processor", "memory", "providers")
    ]
    command, versions, *_ = done.lines
    assert "lightstyle stylize …/photo.jpg style.png --init=…/photo.jpg" in command
    assert f"lightstyle {lightstyle.__version__}, python 3." in versions
    for package in ("numpy", "scipy", "pillow", "onnxruntime", "typer", "rich"):
        assert f"{package} " in versions
    assert "CPUExecutionProvider" in done.lines[5]
    assert "private" not in "".join(done.lines[:6])


def test_settings_of_the_environment_are_named(
    run: Runner, studio: Path, tiny_model: Path
) -> None:
    command = run("info", "--debug").lines[0]
    assert "LIGHTSTYLE_MODEL=…/tiny.onnx" in command
    assert str(tiny_model.parent) not in command


def test_the_traceback_does_not_name_the_home_folder(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(lightstyle.__file__).parent.parent
    monkeypatch.setattr(Path, "home", lambda: home)
    done = run("info", "no.png", "--debug")
    assert any(line.startswith('  File "~/lightstyle/cli/') for line in done.lines)
    assert str(home / "lightstyle") not in "".join(done.lines)


def test_without_onnxruntime_the_header_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> None:
        raise DeviceError("onnxruntime is not installed")

    monkeypatch.setattr(providers, "onnxruntime", missing)
    lines = bug_report.header([])
    assert "onnxruntime none" in lines[1]
    assert "none (onnxruntime is not installed)" in lines[-1]


def test_nothing_of_it_is_printed_otherwise(run: Runner, studio: Path) -> None:
    assert len(run("info", "no.png").lines) == 1
