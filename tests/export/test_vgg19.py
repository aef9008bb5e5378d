"""The real VGG19, against float64 NumPy; skipped where its weights are not at hand."""

from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from export import CONTENT_LAYERS, LOWERINGS, STYLE_LAYERS, build_model, export_model
from export.model import kernels
from export.weights import Weights, read_weights
from export.write import to_proto
from lightstyle import Model, contract, onnx_runtime
from lightstyle.engine.guides import guides
from lightstyle.engine.strips import Tiling
from tests.support import masks
from tests.support.networks import (
    feeds_for,
    loss_for,
    needs_vgg19,
    picture,
    vgg19_path,
    weighed,
)
from tests.support.oracles import loss_and_gradient, relative_l2, run_reference

pytestmark = needs_vgg19


@cache
def _network() -> Weights:
    return read_weights(vgg19_path())


@pytest.fixture(scope="module", params=product(contract.POOLINGS, LOWERINGS), ids=str)
def model(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("vgg19") / "vgg19.onnx"
    pooling, lowering = request.param
    build_model(_network(), path, pooling=pooling, lowering=lowering)
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
    bar = 2e-3 if contract.cpu_path(model.info.path).is_file() else 1e-4
    assert relative_l2(found.gradient[0], gradient) < bar


def test_regions_of_everything_are_none_and_in_parts_the_same(model: Model) -> None:
    size = (96, 80)
    image = picture(*size)[None]
    targets = model.targets(picture(*size, 1)[None])
    feeds = weighed(targets, 20, tv_weight=0.1)
    expected = model.evaluate(image, feeds)
    halves = np.zeros((2, *size), np.float32)
    halves[0, :, :50] = halves[1, :, 50:] = 1
    for masks_rhw in (np.ones((1, *size), np.float32), halves):
        count = len(masks_rhw)
        guided = {**feeds, **guides(masks_rhw)}
        guided[contract.REGION_WEIGHT] = np.full((count, 1), 1 / count, np.float32)
        for name in map(contract.style_target, STYLE_LAYERS):
            guided[name] = np.stack([feeds[name]] * count)
            eye = np.eye(feeds[name].shape[0], dtype=np.float32)
            guided[name.replace("target", "metric")] = np.stack([eye] * count)
        whole = model.evaluate(image, guided)
        if count == 1:
            assert whole.terms == pytest.approx(expected.terms, rel=1e-5)
            gradient = expected.gradient.astype(np.float64)
            assert relative_l2(whole.gradient, gradient) < 1e-4
        if model.costs is not None:
            plan = Tiling(
                dict.fromkeys(range(1, 6), 32), dict.fromkeys(range(1, 6), 40)
            )
            parts = model.evaluate(image, guided, plan)
            assert parts.terms == pytest.approx(whole.terms, rel=1e-5)
            gradient = whole.gradient.astype(np.float64)
            assert relative_l2(parts.gradient, gradient) < 2e-3


def _paper(height: int, width: int) -> NDArray[np.float32]:
    """Black bars on white."""
    page = np.full((3, height, width), 255, np.float32)
    page[:, 40:44, 20:-10] = page[:, 52:, 30:34] = 0
    return page


def _half_white(height: int, width: int) -> NDArray[np.float32]:
    image = picture(height, width)
    image[:, :, : width // 2] = 255
    return image


@pytest.mark.parametrize(
    "image",
    [_half_white(96, 80), _paper(80, 96), np.full((3, 65, 80), 255, np.float32)],
    ids=["half white", "bars on white", "white"],
)
def test_on_flat_ground_the_shares_are_those_of_float64(
    model: Model, image: NDArray[np.float32]
) -> None:
    _, height, width = image.shape
    content, style = picture(height, width, 1), picture(60, 70, 2)
    content_weights = dict.fromkeys(CONTENT_LAYERS, 1.0)
    style_weights = dict.fromkeys(STYLE_LAYERS, 20.0)
    pooling = model.info.pooling
    loss = loss_for(_network(), content, style, content_weights, style_weights, pooling)
    _, gradient = loss_and_gradient(image, _network(), loss, pooling)
    found = model.evaluate(image[None], feeds_for(loss, np.float32))
    assert relative_l2(found.gradient[0], gradient) < 2e-3


@pytest.mark.parametrize(
    "image",
    [picture(160, 120), picture(97, 131), _half_white(96, 80), _paper(80, 96)],
    ids=["high", "wide", "half white", "bars on white"],
)
def test_in_parts_it_is_the_same(model: Model, image: NDArray[np.float32]) -> None:
    if model.costs is None:
        pytest.skip("the portable form has no parts")
    plan = Tiling(dict.fromkeys(range(1, 6), 32), dict.fromkeys(range(1, 6), 40))
    _, height, width = image.shape
    targets = model.targets(picture(height, width, 1)[None])
    in_parts = model.targets(picture(height, width, 1)[None], plan)
    for name, value in targets.items():
        assert relative_l2(in_parts[name], value.astype(np.float64)) < 1e-5
    feeds = weighed(targets, 3, tv_weight=0.1)
    whole = model.evaluate(image[None], feeds)
    parts = model.evaluate(image[None], feeds, plan)
    assert parts.terms == pytest.approx(whole.terms, rel=1e-5)
    assert relative_l2(parts.gradient, whole.gradient.astype(np.float64)) < 2e-3


@pytest.mark.parametrize("cpu", [False, True], ids=["portable", "cpu"])
def test_with_equal_masks_the_gradient_is_close(cpu: bool) -> None:
    image, content, style = picture(64, 72), picture(64, 72, 1), picture(60, 70, 2)
    content_weights = dict.fromkeys(CONTENT_LAYERS, 1.0)
    style_weights = dict.fromkeys(STYLE_LAYERS, 20.0)
    network = _network()
    loss = loss_for(network, content, style, content_weights, style_weights, "max", 1.0)
    _, gradient = loss_and_gradient(image, network, loss, "max")
    graph = masks.evaluation(network, CONTENT_LAYERS, STYLE_LAYERS, cpu=cpu)
    feeds = {
        **feeds_for(loss, np.float32),
        **masks.feeds(graph, image, network),
        **run_reference(kernels(network, graph), {}),
    }
    feeds = {name: value for name, value in feeds.items() if name in graph.inputs}
    session = onnx_runtime.load().InferenceSession(to_proto(graph).SerializeToString())
    found = session.run([contract.GRADIENT], {"image": image[None], **feeds})[0][0]
    assert relative_l2(found, gradient) < 1e-4


def test_two_exports_are_byte_identical_and_valid(tmp_path: Path) -> None:
    models = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        models.append(tmp_path / name / "m.onnx")
        export_model(vgg19_path(), models[-1])
    files = [[*contract.graph_paths(m), contract.weights_path(m)] for m in models]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    for graph in contract.graph_paths(models[0]):
        onnx.checker.check_model(str(graph), full_check=True)


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
