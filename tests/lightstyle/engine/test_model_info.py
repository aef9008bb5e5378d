"""Models whose metadata are not what the exporter writes."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from lightstyle import Model, contract
from lightstyle.engine import signature
from lightstyle.engine.graphs import check_files
from lightstyle.engine.model_info import read_info
from lightstyle.errors import ModelError

METADATA = {
    contract.META_CONTENT_LAYERS: "conv4_2,conv5_2",
    contract.META_STYLE_LAYERS: "conv1_1",
    contract.META_POOLING: "max",
    contract.META_PREPROCESSING: "caffe",
    contract.META_SOURCE: "somewhere",
    contract.META_WEIGHTS_DIGEST: "0" * 64,
    contract.META_GENERATOR: "lightstyle 1",
    contract.META_ROLE: "evaluation",
}
LONG = "x" * 100_000


def _refused(metadata: dict[str, str]) -> str:
    with pytest.raises(ModelError) as caught:
        read_info(Path("a.onnx"), metadata)
    said = str(caught.value)
    assert said.startswith("model a.onnx ")
    assert said.isprintable()
    assert len(said) < 500
    return said


@pytest.mark.parametrize("key", METADATA)
def test_what_is_missing_is_named(key: str) -> None:
    fewer = {name: value for name, value in METADATA.items() if name != key}
    assert f"lacks the metadata {key!r}" in _refused(fewer)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (contract.META_CONTENT_LAYERS, "conv9_9", "content_layers 0 is 'conv9_9'"),
        (contract.META_CONTENT_LAYERS, "\x1b[2J", "content_layers 0 is"),
        (contract.META_STYLE_LAYERS, "conv1_1,conv1_1", "hold one twice"),
        (contract.META_STYLE_LAYERS, "," * 9 + LONG, "style_layers 0 is 'xxx"),
        (contract.META_POOLING, "median", "pooling is 'median', expected max or"),
        (contract.META_SOURCE, LONG, "source is 'xxx"),
        (contract.META_WEIGHTS_DIGEST, "", "weights_digest is '', expected a SHA-256"),
        (contract.META_WEIGHTS_DIGEST, "G" * 64, "expected a SHA-256"),
    ],
)
def test_what_cannot_be_is_named(key: str, value: str, problem: str) -> None:
    assert problem in _refused({**METADATA, key: value})


def test_a_model_has_a_layer() -> None:
    none = dict.fromkeys([contract.META_CONTENT_LAYERS, contract.META_STYLE_LAYERS], "")
    assert "no layers" in _refused({**METADATA, **none})


def _changed(model: Path, folder: Path, key: str, value: str) -> Path:
    """A copy of a model that says something else in all its graphs."""
    for path in model.parent.glob("tiny*"):
        shutil.copy(path, folder)
    for path in folder.glob("*.onnx"):
        graph = onnx.load(path, load_external_data=False)
        for entry in graph.metadata_props:
            entry.value = value if entry.key == key else entry.value
        onnx.save(graph, path)
    return folder / model.name


@pytest.mark.parametrize("check", [lambda path: Model.load(path, "cpu"), check_files])
@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            contract.META_CONTENT_LAYERS,
            "conv3_2",
            "lacks the output content_loss",
        ),
        (
            contract.META_STYLE_LAYERS,
            "conv1_1,conv2_2",
            "lacks the output style_loss",
        ),
        (contract.META_STYLE_LAYERS, "conv5_9", "style_layers 0 is 'conv5_9'"),
    ],
)
def test_a_model_whose_graphs_lack_its_layers_is_refused(
    tiny_model: Path, tmp_path: Path, check: object, key: str, value: str, problem: str
) -> None:
    path = _changed(tiny_model, tmp_path, key, value)
    assert callable(check)
    with pytest.raises(ModelError, match=problem) as caught:
        check(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("costs", ["{}", "[" * 9000, "1e999", '{"whole": NaN}', LONG])
def test_damaged_costs_are_one_line(
    tiny_model: Path, tmp_path: Path, costs: str
) -> None:
    path = _changed(tiny_model, tmp_path, contract.META_COSTS, costs)
    with pytest.raises(ModelError, match="bytes_per_position is damaged") as caught:
        Model.load(path, "cpu")
    assert len(str(caught.value)) < 500


def test_graphs_give_what_their_roles_ask_for(tiny_model: Path) -> None:
    info = Model.load(tiny_model, "cpu").info
    layers = info.content_layers, info.style_layers
    for path, role in contract.graph_paths(tiny_model).items():
        graph = onnx.load(path, load_external_data=False).graph
        names = {output.name for output in graph.output}
        wanted = signature.outputs(role, *layers)
        more = ("feature_sums", contract.WEIGHTED_SUMS, contract.WEIGHTED_LOSSES)
        others = {name for name in names - wanted if not any(m in name for m in more)}
        assert wanted <= names
        assert not others or role == contract.KERNELS


def test_a_gradient_of_another_shape_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(tiny_model, "cpu")
    wrong = {contract.GRADIENT: np.zeros((1, 3, 8, 8), np.float32)}
    monkeypatch.setattr(model._graphs, "run", lambda *_: dict(wrong))
    with pytest.raises(ModelError, match=r"gradient of shape \(1, 3, 8, 8\), expected"):
        model.evaluate(np.zeros((1, 3, 32, 32), np.float32), {})
