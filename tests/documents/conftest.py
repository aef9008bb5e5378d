"""A folder in which what the documents show can be done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from export import build_model
from lightstyle import contract, model_folder
from lightstyle.errors import ExitCode
from lightstyle.jobs.failures import Failure
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.support.documents import call
from tests.support.networks import image, tiny_weights
from tests.support.processes import ROOT

#: Pictures that the documents name.
PICTURES: Final = (
    *("photo.jpg", "other.jpg", "sunset.jpg", "painting.jpg"),
    *("one.jpg", "two.jpg", "photos/1.jpg", "photos/sub/2.jpg"),
)


@pytest.fixture(scope="package")
def sandbox(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with every file that the documents name, and a `lightstyle` to run."""
    folder = tmp_path_factory.mktemp("documents")
    for seed, name in enumerate(PICTURES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(40, 60, seed)).save(path)
    mask = Image.new("L", (60, 40), 0)
    mask.paste(255, (0, 0, 60, 20))
    for name in ("sky.png", "face.png", "brushwork.png"):
        mask.save(folder / name)
    mask.point(lambda value: 255 - value).save(folder / "ground.png")
    for name in ("photo-map.png", "painting-map.png"):
        mask.convert("RGB").save(folder / name)
    (folder / "my.toml").write_text("style-weight = 2e4\n", "utf-8")
    failure = Failure(
        folder / "photos/1.jpg", folder / "photos", ExitCode.IMAGE, "a reason"
    )
    (folder / "failed.jsonl").write_text(f"{failure}\n", "utf-8")
    shutil.copy(contract.weights_path(tiny_model), folder / "vgg19.h5")
    (folder / "lightstyle").symlink_to(ROOT / "lightstyle")
    (folder / "models").mkdir()
    (folder / "models" / "gallery").symlink_to(ROOT / "models" / "gallery")
    shutil.copy(folder / "vgg19.h5", folder / "models" / "vgg19-lite.safetensors")
    cache = tmp_path_factory.mktemp("models")
    for name in (model_folder.DEFAULT_MODEL, model_folder.BUNDLED_MODEL):
        build_model(tiny_weights(), cache / f"{name}.onnx")
    shim = cache / "bin" / "lightstyle"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "cli.py"} "$@"\n')
    shim.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _enter(patch, cache, tiny_model)
        paint = ["stylize", "photo.jpg", "painting.jpg", "--size", "48"]
        call([*paint, "--iterations", "2", "-o", "out.png"])
        shutil.copy("out.png", "small.png")
        _make_checkpoint()
    return folder


def _enter(patch: pytest.MonkeyPatch, cache: Path, model: Path) -> None:
    patch.setenv(model_folder.CACHE_VARIABLE, str(cache))
    patch.setenv(MODEL_VARIABLE, str(model))
    patch.setenv("PATH", f"{cache / 'bin'}{os.pathsep}{os.environ['PATH']}")


def _make_checkpoint() -> None:
    """Leave the checkpoint of a run that was killed, as the command line makes one."""
    script = (
        "import os, sys\n"
        "from lightstyle.cli import app\n"
        "from lightstyle.engine.model import Model\n"
        "evaluate = Model.evaluate\n"
        "def dies(*arguments, **options):\n"
        "    if os.path.exists('out.png.checkpoint'):\n"
        "        os._exit(9)\n"
        "    return evaluate(*arguments, **options)\n"
        "Model.evaluate = dies\n"
        "app.main(sys.argv[1:])\n"
    )
    options = ["--size", "48", "--iterations", "6", "--checkpoint", "auto"]
    options += ["--checkpoint-every", "0", "--pyramid", "off", "-o", "out.png"]
    pictures = ["photo.jpg", "painting.jpg", "--overwrite"]
    command = [sys.executable, "-c", script, "stylize", *pictures, *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr


@pytest.fixture
def studio(
    sandbox: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of it for one test, which is the current folder."""
    folder = tmp_path / "studio"
    shutil.copytree(sandbox, folder, symlinks=True)
    monkeypatch.chdir(folder)
    cache = next(sandbox.parent.glob("models*"))
    _enter(monkeypatch, cache, tiny_model)
    return folder
