"""The wheel, installed where nobody sees the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lightstyle import contract
from lightstyle.settings import presets
from tests.support.documents import GUIDE
from tests.support.processes import ROOT

pytestmark = pytest.mark.slow


def _run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    scripts = folder / "venv" / "bin"
    _run(scripts / "pip", "install", "-q", f"{wheel}[cpu,export]", cwd=folder)
    return scripts


def test_it_has_one_name_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
        pages = {name for name in archive.namelist() if name.endswith(".md")}
        tables = {name for name in archive.namelist() if name.endswith(".toml")}
    info = f"lightstyle-{contract.VERSION}.dist-info"
    assert top == {"lightstyle", info}
    assert pages == {f"lightstyle/guide/{page.name}" for page in GUIDE}
    assert tables == {f"lightstyle/presets/{name}.toml" for name in presets.names()}


def test_it_offers_everything_and_nothing_generic(
    scripts: Path, tmp_path: Path
) -> None:
    assert "stylize" in _run(scripts / "lightstyle", "--help", cwd=tmp_path)
    python = scripts / "python"
    assert "--weights" in _run(
        python, "-m", "lightstyle.export", "--help", cwd=tmp_path
    )
    for name in ("export", "cli", "tests", "models"):
        code = f"import importlib.util as u; print(u.find_spec({name!r}))"
        assert _run(python, "-c", code, cwd=tmp_path).strip() == "None"


def test_export_and_stylize_work_from_it(
    scripts: Path, tiny_model: Path, studio: Path
) -> None:
    weights, command = contract.weights_path(tiny_model), scripts / "lightstyle"
    _run(command, "export", "--weights", weights, "-o", "m.onnx", cwd=studio)
    pictures = ["content.png", "style.png", "-o", "out.png"]
    options = ["--model", "m.onnx", "--iterations", "3", "--pooling", "average"]
    shown = _run(command, "stylize", *pictures, *options, cwd=studio)
    assert "out.png: 60x40" in shown
    assert (studio / "out.png").is_file()
