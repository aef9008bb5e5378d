from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import build_model
from export.weights import Embedding, Weights
from lightstyle import Model, contract
from lightstyle.errors import ModelError
from lightstyle.quality import features
from lightstyle.quality.features import Network
from lightstyle.zoo import registry
from tests.support import oracles
from tests.support.networks import picture, tiny_weights

LAYERS = ("conv1_1", "conv3_1", "conv4_2")


def _network(weights: Weights, pooling: str = "max") -> Network:
    return Network(weights.tensors(), pooling)


def _hwc(image_chw: Any) -> Any:
    return np.ascontiguousarray(image_chw.transpose(1, 2, 0))


@pytest.mark.parametrize("patches", [8_000_000, 5_000])
@pytest.mark.parametrize("pooling", contract.POOLINGS)
def test_features_are_the_network_s(
    monkeypatch: pytest.MonkeyPatch, pooling: str, patches: int
) -> None:
    monkeypatch.setattr(features, "_PATCHES", patches)
    weights, image = tiny_weights(), picture(37, 46)
    expected = oracles.forward(image, weights, LAYERS, pooling)
    found = _network(weights, pooling).features(_hwc(image), LAYERS)
    assert set(found) == set(LAYERS)
    for layer, columns in found.items():
        wanted = expected[layer].reshape(len(columns), -1)
        assert columns.dtype == np.float32
        assert oracles.relative_l2(columns, wanted) < 1e-5


def test_estimated_features_have_the_inner_products_of_the_wide_ones() -> None:
    random, narrow = np.random.default_rng(1), tiny_weights()
    matrix, offset = random.normal(size=(256, 7)), random.normal(size=256)
    maps = {"conv3_1": Embedding(matrix, offset)}
    image = picture(40, 33)
    z = oracles.forward(image, narrow, ["conv3_1"], "max")["conv3_1"].reshape(7, -1)
    wide = matrix @ z + offset[:, None]
    network = _network(replace(narrow, embeddings=maps))
    assert network.estimates
    found = network.features(_hwc(image), ["conv3_1"])["conv3_1"]
    assert oracles.relative_l2(found.T @ found, wide.T @ wide) < 1e-5


def test_the_bundled_model_s_are_those_of_its_graphs() -> None:
    model = Model.load(registry.bundled(), "cpu")
    image = picture(48, 53)
    targets = model.targets(image[None])
    network = Network.of(model.info)
    assert network.estimates
    found = network.features(_hwc(image), model.info.style_layers)
    for layer, columns in found.items():
        gram = columns @ columns.T / columns.shape[1]
        wanted = targets[contract.style_target(layer)]
        assert oracles.relative_l2(gram, wanted.astype(np.float64)) < 1e-4


def test_pooling_is_the_model_s(tmp_path: Path) -> None:
    path = tmp_path / "average.onnx"
    build_model(tiny_weights(), path, pooling="average", lowering="none")
    network = Network.of(Model.load(path, "cpu").info)
    assert network.pooling == "average"
    assert not network.estimates


def _header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + bytes(4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "cannot be read"),
        (b"\x02" + bytes(7) + b"[]", "cannot be read"),
        (b'\x10\0\0\0\0\0\0\0{"mean":{"dtype"', "cannot be read"),
        (b"\0\0\1\0\0\0\0\0" + b"[" * 2**16, "nested too deeply"),
        (_header('{"mean": 1}'), "header.mean is 1, expected an object"),
        (_header('{"a": {"dtype": "F32"}}'), "lacks"),
        (
            _header('{"a": {"dtype": "F32", "shape": [9e99], "data_offsets": [0, 4]}}'),
            "expected a whole number",
        ),
        (
            _header('{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}'),
            "cannot be read",
        ),
    ],
)
def test_damaged_weights_are_named_in_one_line(
    tiny_model: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    info = replace(Model.load(tiny_model, "cpu").info, path=tmp_path / "m.onnx")
    if content is not None:
        contract.weights_path(info.path).write_bytes(content)
    with pytest.raises(ModelError, match=words) as caught:
        Network.of(info)
    assert "m.safetensors" in str(caught.value)


def test_a_network_that_ends_before_a_layer_says_so() -> None:
    tensors = tiny_weights().tensors()
    del tensors["conv3_1.weight"]
    with pytest.raises(ModelError, match=r"lack conv3_1\.weight"):
        Network(tensors, "max").features(_hwc(picture(32, 32)), ["conv3_1"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mean": np.zeros(5)}, "mean of the model's weights has shape"),
        ({"conv1_1.weight": np.zeros((5, 4, 3, 3))}, "conv1_1.weight .* has shape"),
        ({"conv1_1.weight": np.zeros((0, 3, 3, 3))}, "conv1_1.weight .* has shape"),
        ({"conv1_1.weight": np.zeros(())}, "conv1_1.weight .* has shape"),
        ({"conv1_2.bias": np.zeros(3)}, "conv1_2.bias .* has shape"),
        ({"conv1_1.bias": np.full(5, np.nan)}, "values at conv3_1 .* not finite"),
        ({"conv1_1.weight": np.ones((5, 3, 3, 3)) * 1e38}, "not finite"),
        ({"conv3_1.linear": np.zeros((2, 3))}, "conv3_1.linear .* has shape"),
    ],
)
def test_weights_of_no_network_are_refused(changes: Any, problem: str) -> None:
    changed = {name: each.astype(np.float32) for name, each in changes.items()}
    network = Network({**tiny_weights().tensors(), **changed}, "max")
    with pytest.raises(ModelError, match=problem):
        network.features(_hwc(picture(32, 32)), ["conv3_1"])
