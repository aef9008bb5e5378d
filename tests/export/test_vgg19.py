"""The real VGG19, against float64 NumPy; skipped where its weights are not at hand."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from export import CONTENT_LAYERS, STYLE_LAYERS, build_model, export_model
from export.weights import Weights, read_weights
from lightstyle import Model, contract
from tests.networks import feeds_for, loss_for, needs_vgg19, picture, vgg19_path
from tests.oracles import loss_and_gradient, relative_l2

pytestmark = needs_vgg19

FILES = (lambda path: path, contract.targets_path, contract.weights_path)


@cache
def _network() -> Weights:
    return read_weights(vgg19_path())


@pytest.fixture(scope="module", params=contract.POOLINGS)
def model(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("vgg19") / "vgg19.onnx"
    build_model(_network(), path, pooling=request.param)
    return Model.load(path, "cpu")


@pytest.mark.parametrize("size", [(64, 64), (65, 47), (33, 32)], ids=str)
def test_loss_and_gradient_are_those_of_float64(
    model: Model, size: tuple[int, int]
) -> None:
    image, content, style = picture(*size), picture(*size, 1), picture(60, 70, 2)
    content_weights = dict.fromkeys(CONTENT_LAYERS, 1.0)
    style_weights = dict.fromkeys(STYLE_LAYERS, 20.0)
    pooling = model.info.pooling
    loss = loss_for(
        _network(), content, style, content_weights, style_weights, pooling, 1.0
    )
    terms, gradient = loss_and_gradient(image, _network(), loss, pooling)
    found = model.evaluate(image[None], feeds_for(loss, np.float32))
    assert found.terms == pytest.approx(terms, rel=1e-5)
    assert relative_l2(found.gradient[0], gradient) < 1e-4


def test_two_exports_are_byte_identical_and_valid(tmp_path: Path) -> None:
    models = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        models.append(tmp_path / name / "m.onnx")
        export_model(vgg19_path(), models[-1])
    for file in FILES:
        first, second = (file(path) for path in models)
        assert first.read_bytes() == second.read_bytes()
    for file in FILES[:2]:
        onnx.checker.check_model(str(file(models[0])), full_check=True)


def test_the_weights_file_feeds_another_model(tmp_path: Path) -> None:
    export_model(vgg19_path(), tmp_path / "a.onnx")
    choices: dict[str, Any] = {
        "style_layers": ["conv5_3"],
        "content_layers": [],
        "pooling": "average",
    }
    source = contract.weights_path(tmp_path / "a.onnx")
    export_model(source, tmp_path / "b.onnx", **choices)
    info = Model.load(tmp_path / "b.onnx", "cpu").info
    assert info.style_layers == ("conv5_3",)
    assert info.source == _network().source
    assert info.weights_digest != ""
