"""The programs in `examples` paint the demonstration as Lightstyle does.

The reference is `lightstyle.stylize` with the same weights at one size: another form of
the evaluation, and the optimiser in NumPy. The examples get the very pixels that it
gets, in a format that needs no decoder of JPEG.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import contract, onnx_runtime
from lightstyle.settings.settings import CONTENT_WEIGHT, STYLE_WEIGHT
from tests.support.processes import ROOT

EXAMPLES = ROOT / "examples"
MODEL = ROOT / "models" / "vgg19-lite.onnx"
SIZE, EVALUATIONS = 128, 40
SETTINGS = lightstyle.Settings(
    size=SIZE,
    iterations=EVALUATIONS,
    content_weight=CONTENT_WEIGHT,
    style_weight=STYLE_WEIGHT,
    pyramid="off",
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's pictures at the size that is painted."""
    folder = tmp_path_factory.mktemp("studio")
    for name in ("scene", "painting"):
        picture = Image.open(ROOT / "lightstyle" / "demo" / f"{name}.jpg").convert(
            "RGB"
        )
        picture.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
        for suffix in (".png", ".ppm"):
            picture.save(folder / f"{name}{suffix}")
    return folder


@pytest.fixture(scope="module")
def reference(studio: Path) -> list[float]:
    """The losses of a run of Lightstyle."""
    pictures = studio / "scene.png", studio / "painting.png"
    model = lightstyle.load_model(MODEL)
    result = lightstyle.stylize(*pictures, model=model, settings=SETTINGS)
    return [losses.total for losses in result.history]


def python(studio: Path) -> tuple[list[str], str]:
    return [sys.executable, str(EXAMPLES / "python" / "paint.py")], ".png"


def javascript(studio: Path) -> tuple[list[str], str]:
    folder = EXAMPLES / "javascript"
    if not (node := shutil.which("node")):
        pytest.skip("needs Node")
    if not (folder / "node_modules" / "onnxruntime-node").is_dir():
        pytest.skip("needs `npm ci --ignore-scripts` in examples/javascript")
    return [node, str(folder / "paint.mjs")], ".png"


def cpp(studio: Path) -> tuple[list[str], str]:
    runtime = Path(onnx_runtime.load().__file__).parent / "capi"
    libraries = [*runtime.glob("libonnxruntime.so.*")]
    if not (compiler := shutil.which("g++")) or not libraries:
        pytest.skip("needs g++ and libonnxruntime")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (studio / name).symlink_to(libraries[0])
    source, program = EXAMPLES / "cpp" / "paint.cpp", studio / "paint"
    options = ["-std=c++17", "-O2", "-Wall", "-Wextra", f"-I{source.parent}"]
    linked = [f"-L{studio}", "-lonnxruntime", f"-Wl,-rpath,{studio}"]
    command = [compiler, *options, str(source), *linked, "-o", str(program)]
    subprocess.run(command, check=True)
    return [str(program)], ".ppm"


def test_the_guide_gives_the_weights_of_lightstyle() -> None:
    page = (ROOT / "lightstyle" / "guide" / "embedding.md").read_text("utf-8")
    found: dict[str, float] = {}
    for names, *numbers in re.findall(r"^\| (`.+`) \| (\d+) · (\d+)/(\d+)", page, re.M):
        weight, share, total = map(int, numbers)
        found |= dict.fromkeys(re.findall(r"`(.+?)`", names), weight * share / total)
    expected = {
        name(layer): weight * part
        for name, weight, layers in (
            (contract.content_weight, CONTENT_WEIGHT, SETTINGS.content_layers),
            (contract.style_weight, STYLE_WEIGHT, SETTINGS.style_layers),
        )
        for layer, part in layers.shares().items()
    }
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("example", [python, javascript, cpp])
def test_an_example_paints_as_lightstyle_does(
    example: Callable[[Path], tuple[list[str], str]],
    studio: Path,
    reference: list[float],
) -> None:
    program, suffix = example(studio)
    pictures = [studio / f"{name}{suffix}" for name in ("scene", "painting", "painted")]
    command = [*program, str(MODEL), *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=studio)
    assert done.returncode == 0, done.stderr
    losses = [float(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(losses) == EVALUATIONS
    np.testing.assert_allclose(losses[:5], reference[:5], rtol=1e-5)
    np.testing.assert_allclose(losses[-1], reference[-1], rtol=0.1)
    with Image.open(pictures[0]) as photo, Image.open(pictures[2]) as painted:
        assert painted.size == photo.size
        change = np.asarray(painted, np.float32) - np.asarray(photo, np.float32)
        assert 10 < np.sqrt((change**2).mean()) < 100


@pytest.mark.parametrize(
    "program", sorted(EXAMPLES.glob("*/paint.*")), ids=lambda p: p.name
)
def test_an_example_is_short_and_needs_neither_half(program: Path) -> None:
    text = program.read_text("utf-8")
    assert len(text.splitlines()) <= 80
    assert not re.search(
        r"^\W*(import|from|include)\b.*\b(lightstyle|export)\b", text, re.M
    )
