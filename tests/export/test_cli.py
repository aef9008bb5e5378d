from pathlib import Path

import onnx
import pytest

from export.cli import run
from lightstyle import contract


@pytest.fixture
def weights(tiny_model: Path) -> Path:
    return contract.weights_path(tiny_model)


def layers_of(model: Path) -> tuple[str, str]:
    entries = {e.key: e.value for e in onnx.load(model).metadata_props}
    return entries[contract.META_CONTENT_LAYERS], entries[contract.META_STYLE_LAYERS]


def test_a_model_without_content_layers(weights: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    arguments = ["--weights", str(weights), "-o", str(model)]
    assert run([*arguments, "--content-layers=none", "--style-layers=conv1_1"]) == 0
    assert layers_of(model) == ("", "conv1_1")


def test_a_model_without_style_layers(weights: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    arguments = ["--weights", str(weights), "-o", str(model)]
    assert run([*arguments, "--content-layers=conv4_2", "--style-layers=none"]) == 0
    assert layers_of(model) == ("conv4_2", "")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--content-layers=none", "--style-layers=none"], 4, "at least one"),
        (["--content-layers=none,conv4_2"], 4, "no losses at layer 'none'"),
        (["--content-layers=conv9_1"], 4, "no losses at layer 'conv9_1'"),
        (["--style-layers=conv1_1,conv1_1"], 4, "twice"),
        (["--pooling=median"], 4, "max or average"),
        (["--lowering=fast"], 4, "auto or none"),
        (["--preprocessing=keras"], 4, "auto, caffe, torchvision"),
        (["--reduce=nowhere"], 4, "not a folder"),
        (["-o", "m.pth"], 4, "must end in .onnx"),
        (["--layers=3"], 2, "--help"),
        ([], 2, "--help"),
        (["-o", "m" * 3000], 4, "must end in .onnx"),
        ([f"--{'x' * 3000}"], 2, "--help"),
    ],
)
def test_an_error_is_one_line(
    arguments: list[str],
    code: int,
    problem: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--weights", str(weights), "-o", str(tmp_path / "m.onnx"), *arguments]
    assert run(given if arguments else []) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert problem in line
    assert len(line) <= 400
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("place", ["no folder/m.onnx", "note.onnx"])
def test_a_model_that_cannot_be_written_has_the_code_of_outputs(
    place: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.onnx").write_text("no model")
    assert run(["--weights", str(weights), "-o", str(tmp_path / place)]) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot write ")


def test_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    from export.weights.formats import FORMATS

    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for known in FORMATS:
        suffix = next(word for word in known.name.split() if word.startswith("."))
        assert suffix in text
