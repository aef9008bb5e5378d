import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy
import PIL
import pytest
import scipy

from lightstyle import onnx_runtime
from lightstyle.records import environment
from lightstyle.records.record import Record
from tests.conftest import Runner

onnxruntime = onnx_runtime.load()
MODULES = {"numpy": numpy, "scipy": scipy, "pillow": PIL, "onnxruntime": onnxruntime}


@pytest.fixture
def _slimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that holds the modules without their metadata, as PyInstaller makes."""

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)


def test_versions_are_those_of_the_modules() -> None:
    found = environment.versions()
    for name, module in MODULES.items():
        assert found[name] == module.__version__


@pytest.mark.usefixtures("_slimmed")
def test_without_metadata_the_modules_tell_their_versions() -> None:
    test_versions_are_those_of_the_modules()


@pytest.mark.usefixtures("_slimmed")
@pytest.mark.parametrize("version", [None, ""])
def test_what_tells_no_version_is_unknown(
    monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    assert environment.version_of("no-such-package") == "unknown"
    monkeypatch.setattr(numpy, "__version__", version)
    assert environment.version_of("numpy") == "unknown"
    monkeypatch.delattr(onnxruntime, "__version__")
    assert environment.versions()["onnxruntime"] == "unknown"


def test_metadata_without_a_version_counts_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: None)
    assert environment.version_of("numpy") == numpy.__version__


@pytest.mark.usefixtures("_slimmed")
def test_a_picture_can_be_made_without_metadata(run: Runner, studio: Path) -> None:
    quick = ["--size", "48", "--iterations", "2", "--debug"]
    done = run("stylize", "content.png", "style.png", "-o", "out.png", *quick)
    assert done.code == 0
    versions: Any = Record.read("out.png").environment["versions"]
    assert versions["numpy"] == numpy.__version__
    assert "typer" in done.lines[1]
    assert run("info").code == 0
    assert run("info", "out.png").code == 0
    assert "typer" in sys.modules
