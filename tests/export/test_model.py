from typing import Any

import numpy as np
import pytest

from export import CONTENT_LAYERS, STYLE_LAYERS, model, winograd
from export.errors import ExportError
from export.lowering import lower
from export.network import LossNetwork
from export.write import to_proto
from lightstyle import contract, onnx_runtime
from tests.support import oracles
from tests.support.networks import feeds_for, loss_for, picture, tiny_weights
from tests.support.oracles import (
    TOGETHER,
    directional_error,
    loss_and_gradient,
    relative_l2,
    run_reference,
    terms_in,
    weighted_sum,
)

WEIGHTS = tiny_weights()
SIZES = [(64, 64), (65, 47), (33, 32)]
POOLINGS = ["max", "average"]
CONTENT = {"conv4_2": 2.0, "conv5_2": 0.5}
STYLE = dict.fromkeys(STYLE_LAYERS, 30.0)


def _case(size: tuple[int, int], pooling: str, image: Any = None) -> Any:
    """A picture, the loss, and what the oracle makes of them."""
    image = picture(*size) if image is None else image
    content, style = picture(*size, seed=1), picture(50, 40, seed=2)
    loss = loss_for(WEIGHTS, content, style, CONTENT, STYLE, pooling, tv_weight=0.01)
    return image, loss, *loss_and_gradient(image, WEIGHTS, loss, pooling)


@pytest.fixture(params=[False, True], ids=["portable", "cpu"])
def cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Which lowering; that for CPUs with all it can do, however narrow the layers."""
    monkeypatch.setattr(winograd, "THRESHOLD", 0.0)
    return bool(request.param)


def _kernels(graph: Any) -> dict[str, Any]:
    """What the lowering for CPUs is fed with in addition, if `graph` was through it."""
    made = run_reference(model.kernels(WEIGHTS, graph), {})
    return {name: value for name, value in made.items() if name in graph.inputs}


def _on_onnxruntime(graph: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    feeds = {**feeds, **_kernels(graph)}
    session = onnx_runtime.load().InferenceSession(to_proto(graph).SerializeToString())
    return dict(zip(graph.outputs, session.run(None, feeds), strict=True))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_in_float64_the_graph_is_the_oracle(
    size: tuple[int, int], pooling: str, cpu: bool
) -> None:
    image, loss, terms, gradient = _case(size, pooling)
    graph = model.evaluation(
        LossNetwork(WEIGHTS, [*CONTENT], [*STYLE], pooling, np.float64), cpu=cpu
    )
    feeds = {**feeds_for(loss, np.float64), **_kernels(graph)}
    outputs = run_reference(graph, {"image": image[None].astype(np.float64), **feeds})
    assert relative_l2(outputs.pop(contract.GRADIENT)[0], gradient) < 1e-12
    assert terms_in(outputs) == pytest.approx(terms, rel=1e-12)
    weighted = [
        feeds[name.replace("_loss", "_weight")] * terms[name]
        for name in contract.terms([*CONTENT], [*STYLE])
    ]
    losses, sums = (outputs[name] for name in TOGETHER)
    np.testing.assert_allclose(losses, weighted, rtol=1e-12)
    assert sums.sum() == pytest.approx(sum(weighted), rel=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_in_float32_on_onnxruntime_it_is_close(
    size: tuple[int, int], pooling: str, cpu: bool
) -> None:
    image, loss, terms, gradient = _case(size, pooling)
    graph = model.evaluation(
        LossNetwork(WEIGHTS, [*CONTENT], [*STYLE], pooling), cpu=cpu
    )
    feeds = {"image": image[None], **feeds_for(loss, np.float32)}
    outputs = _on_onnxruntime(graph, feeds)
    assert relative_l2(outputs.pop(contract.GRADIENT)[0], gradient) < 1e-4
    assert terms_in(outputs) == pytest.approx(terms, rel=1e-5)


TERMS: list[tuple[list[str], list[str], float]] = [
    *(([layer], [], 0.0) for layer in ("conv1_1", "conv3_4", "conv5_3")),
    *(([], [layer], 0.0) for layer in ("conv1_2", "conv4_1", "conv5_3")),
    (["conv1_1"], [], 1.0),
    (["conv2_2", "conv5_2"], ["conv2_2", "conv3_1"], 0.5),
]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("content", "style", "tv"), TERMS, ids=str)
def test_every_loss_agrees_with_central_differences(
    content: list[str], style: list[str], tv: float, pooling: str, cpu: bool
) -> None:
    loss = loss_for(
        WEIGHTS,
        picture(37, 34, seed=1),
        picture(40, 33, seed=2),
        dict.fromkeys(content, 1.0),
        dict.fromkeys(style, 1.0),
        pooling,
        tv,
    )
    graph = model.evaluation(
        LossNetwork(WEIGHTS, content, style, pooling, np.float64), cpu=cpu
    )
    feeds = {**feeds_for(loss, np.float64), **_kernels(graph)}

    def objective(pixels: np.ndarray) -> float:
        return weighted_sum(run_reference(graph, {"image": pixels, **feeds}), feeds)

    at = picture(37, 34)[None].astype(np.float64)
    gradient = run_reference(graph, {"image": at, **feeds})[contract.GRADIENT]
    assert directional_error(objective, gradient, at, step=1e-5) < 1e-6


def _half_white(height: int, width: int) -> np.ndarray:
    image = picture(height, width)
    image[:, :, : width // 2] = 255
    return image


@pytest.mark.parametrize(
    "image",
    [_half_white(96, 96), np.full((3, 64, 65), 255, np.float32)],
    ids=["half white", "white"],
)
def test_the_shares_of_a_flat_window_sum_to_its_gradient(
    image: np.ndarray, cpu: bool
) -> None:
    image, loss, _, gradient = _case(image.shape[1:], "max", image)
    graph = model.evaluation(LossNetwork(WEIGHTS, [*CONTENT], [*STYLE]), cpu=cpu)
    feeds = {"image": image[None], **feeds_for(loss, np.float32)}
    found = _on_onnxruntime(graph, feeds)[contract.GRADIENT][0]
    # All to one position would be wrong by more than a third. With five channels, one
    # window that rounding decides weighs more than in VGG19 (test_vgg19.py).
    assert relative_l2(found, gradient) < (3e-2 if cpu else 1e-3)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_targets_are_the_features_and_gram_matrices_of_a_picture(pooling: str) -> None:
    image = picture(50, 45)
    layers = [*CONTENT_LAYERS, *STYLE_LAYERS]
    graph = model.targets(LossNetwork(WEIGHTS, CONTENT_LAYERS, STYLE_LAYERS, pooling))
    outputs = _on_onnxruntime(graph, {"image": image[None]})
    features = oracles.forward(image.astype(np.float64), WEIGHTS, layers, pooling)
    for layer in CONTENT_LAYERS:
        found = outputs.pop(contract.content_target(layer))[0]
        assert relative_l2(found, features[layer]) < 1e-5
    for layer in STYLE_LAYERS:
        found = outputs.pop(contract.style_target(layer))
        assert relative_l2(found, oracles.gram(features[layer])) < 1e-5
    assert not outputs


def test_targets_pay_for_no_backward_pass() -> None:
    graph = model.targets(LossNetwork(WEIGHTS, CONTENT_LAYERS, STYLE_LAYERS))
    convolutions = [node for node in graph.nodes if node.op == "Conv"]
    assert len(convolutions) == contract.LAYERS.index("conv5_2") + 1


def test_no_node_is_computed_for_nothing(cpu: bool) -> None:
    graph = model.evaluation(
        LossNetwork(WEIGHTS, CONTENT_LAYERS, STYLE_LAYERS), cpu=cpu
    )
    used = {t for node in graph.nodes for t in node.inputs} | {*graph.outputs.values()}
    assert [node.output.name for node in graph.nodes if node.output not in used] == []


def test_every_term_has_a_weight_a_target_and_an_output() -> None:
    graph = model.evaluation(LossNetwork(WEIGHTS, ["conv4_2"], ["conv1_1"]))
    assert set(graph.inputs) == {
        "image",
        "content_target/conv4_2",
        "content_weight/conv4_2",
        "style_target/conv1_1",
        "style_weight/conv1_1",
        "tv_weight",
    }
    assert set(graph.outputs) == {
        "gradient",
        "content_loss/conv4_2",
        "style_loss/conv1_1",
        "tv_loss",
        *TOGETHER,
    }


def test_lowering_leaves_nothing_but_onnx_and_is_done_once() -> None:
    graph = model.evaluation(LossNetwork(WEIGHTS, CONTENT_LAYERS, STYLE_LAYERS))
    assert to_proto(lower(graph)).graph.node == to_proto(graph).graph.node


@pytest.mark.parametrize(
    ("content", "style", "problem"),
    [
        (["conv6_1"], [], "no losses at layer 'conv6_1'"),
        ([], ["conv1_1", "conv1_1"], "twice"),
        ([], [], "at least one"),
    ],
)
def test_layers_that_make_no_model_are_refused(
    content: list[str], style: list[str], problem: str
) -> None:
    with pytest.raises(ExportError, match=problem):
        model.evaluation(LossNetwork(WEIGHTS, content, style))
