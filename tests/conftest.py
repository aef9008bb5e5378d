import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from export import build_model
from lightstyle import model_folder
from lightstyle.cli.app import main
from lightstyle.engine import choice, threads
from lightstyle.zoo.fetch import OFFLINE_VARIABLE
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.support.networks import image, save_foreign, tiny_weights


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees, or leaves, a model of the person who runs it.

    Nor does one choose another device than the CPU by itself.
    """
    monkeypatch.setattr(choice, "offered", lambda: iter(()))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(OFFLINE_VARIABLE, raising=False)
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv(
        model_folder.CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache"))
    )


@pytest.fixture(autouse=True, scope="session")
def _heard_interrupts() -> None:
    """Ctrl-C is heard, also where a shell has started the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few channels; nobody may change its files."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    build_model(tiny_weights(), path)
    return path


@pytest.fixture(scope="session")
def foreign_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good ONNX file that has nothing to do with us."""
    path = tmp_path_factory.mktemp("foreign") / "relu.onnx"
    save_foreign(path)
    return path


class Run:
    """What a command did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.lines = code, out, err.splitlines()


Runner = Callable[..., Run]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Runs commands; two threads, and so two workers, may run on any machine."""
    cpus = max(2, threads.available_cpus())
    monkeypatch.setattr(threads, "available_cpus", lambda: cpus)

    def call(*arguments: object) -> Run:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return Run(int(caught.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two pictures in it."""
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path)
    return tmp_path


@pytest.fixture
def studio(folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and a model for the commands to find."""
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_model))
    return folder


def draw_pictures(folder: Path) -> None:
    """A content and a style picture."""
    for name, seed in (("content.png", 1), ("style.png", 2)):
        Image.fromarray(image(40, 60, seed)).save(folder / name)
