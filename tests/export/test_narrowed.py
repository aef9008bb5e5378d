from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from export import build_model, model
from export.errors import ExportError
from export.narrowing import narrowed
from export.network import LossNetwork
from export.weights import Embedding, Weights, read_weights
from lightstyle import Model, contract
from tests.support.networks import picture, tiny_weights
from tests.support.oracles import (
    directional_error,
    forward,
    gram,
    relative_l2,
    run_reference,
    weighted_sum,
)

CONTENT, STYLE = ["conv3_1", "conv4_2"], ["conv1_1", "conv3_1"]


def _narrowed(seed: int = 0) -> Weights:
    """A tiny network that estimates wider features at its loss layers."""
    random, network = np.random.default_rng(seed), tiny_weights()
    embeddings = {}
    for layer in {*CONTENT, *STYLE}:
        width = len(network.biases[layer])
        matrix = random.normal(size=(contract.CHANNELS[layer], width))
        offset = random.normal(size=contract.CHANNELS[layer])
        embeddings[layer] = Embedding(
            matrix.astype(np.float32), offset.astype(np.float32)
        )
    return replace(network, embeddings=embeddings)


def _wide(network: Weights, image: Any) -> dict[str, Any]:
    """E z + e at the loss layers."""
    narrow = forward(image, network, [*CONTENT, *STYLE], "max")
    return {
        layer: np.tensordot(e.matrix.astype(float), narrow[layer], 1)
        + e.offset.astype(float)[:, None, None]
        for layer, e in network.embeddings.items()
    }


def _terms(network: Weights, image: Any, content: Any, style: Any) -> dict[str, float]:
    """The losses by their definition, on wide features."""
    at, subject, painting = (_wide(network, i) for i in (image, content, style))
    terms = {
        contract.content_loss(layer): 0.5 * np.sum((at[layer] - subject[layer]) ** 2)
        for layer in CONTENT
    }
    for layer in STYLE:
        squares = np.sum((gram(at[layer]) - gram(painting[layer])) ** 2)
        scale = 4 * contract.CHANNELS[layer] ** 2
        terms[contract.style_loss(layer)] = squares / scale
    return terms


def _feeds(network: Weights, content: Any, style: Any, dtype: Any) -> dict[str, Any]:
    graph = model.targets(LossNetwork(network, CONTENT, STYLE, dtype=dtype))
    subject, painting = (
        run_reference(graph, {"image": image[None].astype(dtype)})
        for image in (content, style)
    )
    feeds = {contract.TV_WEIGHT: np.array(0, dtype)}
    for layer in CONTENT:
        name = contract.content_target(layer)
        feeds |= {name: subject[name], contract.content_weight(layer): np.array(2.0)}
    for layer in STYLE:
        name = contract.style_target(layer)
        feeds |= {name: painting[name], contract.style_weight(layer): np.array(3.0)}
    return {name: value.astype(dtype) for name, value in feeds.items()}


IMAGE, SUBJECT, PAINTING = picture(37, 40), picture(37, 40, 1), picture(45, 33, 2)


def test_losses_of_narrow_features_are_those_of_the_wide_ones_they_estimate() -> None:
    network = _narrowed()
    graph = model.evaluation(LossNetwork(network, CONTENT, STYLE, dtype=np.float64))
    feeds = _feeds(network, SUBJECT, PAINTING, np.float64)
    outputs = run_reference(graph, {"image": IMAGE[None].astype(float), **feeds})
    expected = _terms(network, IMAGE, SUBJECT, PAINTING)
    for name, value in expected.items():
        assert outputs[name].sum() == pytest.approx(value, rel=1e-5), name


def test_their_gradient_agrees_with_central_differences() -> None:
    network = _narrowed()
    graph = model.evaluation(LossNetwork(network, CONTENT, STYLE, dtype=np.float64))
    feeds = _feeds(network, SUBJECT, PAINTING, np.float64)

    def objective(pixels: Any) -> float:
        outputs = run_reference(graph, {"image": pixels, **feeds})
        return weighted_sum(outputs, feeds)

    at = IMAGE[None].astype(float)
    gradient = run_reference(graph, {"image": at, **feeds})[contract.GRADIENT]
    assert directional_error(objective, gradient, at, step=1e-5) < 1e-6


def test_targets_are_no_wider_than_the_narrow_features() -> None:
    network = _narrowed()
    graph = model.targets(LossNetwork(network, CONTENT, STYLE))
    for name, tensor in graph.outputs.items():
        width = len(network.biases[name.partition("/")[2]])
        assert tensor.shape[:2] in {(1, width), (width + 1, width + 1)}


def test_a_model_in_sixteen_bits_is_half_the_size_and_nearly_the_same(
    tmp_path: Path,
) -> None:
    choices: Any = {"content_layers": CONTENT, "style_layers": STYLE}
    network = replace(_narrowed(), kernels=tiny_weights(width=24).kernels)
    network = replace(network, biases=tiny_weights(width=24).biases, embeddings={})
    build_model(network, tmp_path / "full.onnx", **choices)
    build_model(network.halved(), tmp_path / "half.onnx", **choices)
    sizes = [(tmp_path / f"{n}.safetensors").stat().st_size for n in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    pixels = picture(40, 40)[None]
    full, half = (
        Model.load(tmp_path / f"{n}.onnx", "cpu").targets(pixels)
        for n in ("full", "half")
    )
    for name, value in full.items():
        assert 0 < relative_l2(half[name], value) < 5e-3


def test_layers_without_a_map_are_refused() -> None:
    with pytest.raises(ExportError, match="at layer 'conv2_1' with these weights"):
        LossNetwork(_narrowed(), ["conv2_1"], STYLE)


def test_a_model_is_narrowed_by_a_folder_of_pictures(tmp_path: Path) -> None:
    for seed in range(12):
        levels = np.rint(picture(64, 72, seed).transpose(1, 2, 0)).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{seed}.png")
    wide = tiny_weights(width=12)
    widths = {"conv1_1": 9, "conv1_2": 9, "conv2_1": 12, "conv2_2": 12, "conv3_1": 13}
    small = narrowed(wide, tmp_path, widths, ["conv2_1", "conv3_1"])
    assert {layer: len(bias) for layer, bias in small.biases.items()} == widths
    unseen = picture(64, 72, 99)
    expected = forward(unseen, wide, [*widths], "max")
    found = forward(unseen, small, [*widths], "max")
    for layer, e in small.embeddings.items():
        estimate = np.tensordot(e.matrix, found[layer], 1) + e.offset[:, None, None]
        assert relative_l2(estimate, expected[layer]) < 0.35


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (None, "is not a folder"),
        ([], "has no pictures"),
        (["a.png"], "a.png cannot be read as a picture"),
    ],
)
def test_a_folder_without_pictures_is_refused(
    tmp_path: Path, files: list[str] | None, problem: str
) -> None:
    folder = tmp_path / "pictures"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_text("no picture")
    with pytest.raises(ExportError, match=problem):
        narrowed(tiny_weights(), folder)


def test_a_narrowed_model_can_be_built_again_from_its_weights(tmp_path: Path) -> None:
    network = _narrowed()
    choices: Any = {"content_layers": CONTENT, "style_layers": STYLE}
    build_model(network, tmp_path / "m.onnx", **choices)
    again = read_weights(contract.weights_path(tmp_path / "m.onnx"))
    assert set(again.embeddings) == set(network.embeddings)
    for name, value in network.tensors().items():
        np.testing.assert_array_equal(again.tensors()[name], value)


def test_no_graph_of_a_narrowed_model_carries_a_copy_of_its_maps(
    tmp_path: Path,
) -> None:
    choices: Any = {"content_layers": CONTENT, "style_layers": STYLE}
    build_model(_narrowed(), tmp_path / "m.onnx", **choices)
    build_model(tiny_weights(), tmp_path / "plain.onnx", **choices)
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("m", "plain")]
    assert sizes[0] < sizes[1] + 12_000
