from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from export import CONTENT_LAYERS, STYLE_LAYERS, build_model, export_model
from export.errors import ExportError, OutputError
from export.weights import read_weights
from export.write import OPSET
from lightstyle import contract, model_folder, onnx_runtime
from lightstyle.step_contract import NUMBER_NAMES, STATE, following
from tests.support.networks import tiny_weights

ROOT = Path(__file__).resolve().parents[2]


def _files(model: Path) -> list[Path]:
    return [*contract.graph_paths(model), contract.weights_path(model)]


def test_a_model_is_its_files_and_nothing_else(tmp_path: Path) -> None:
    build_model(tiny_weights(), tmp_path / "m.onnx")
    assert sorted(tmp_path.iterdir()) == sorted(_files(tmp_path / "m.onnx"))


def test_without_lowering_nothing_stays_that_is_for_cpus_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    for lowering in ("auto", "none"):
        build_model(tiny_weights(), path, lowering=lowering)
    guided = contract.guided_path(path)
    graphs = [path, contract.targets_path(path), guided, contract.targets_path(guided)]
    for place in (path, contract.webgpu_path(path)):
        graphs += [contract.step_path(place), contract.descent_path(place)]
    assert {*tmp_path.iterdir()} == {*graphs, contract.weights_path(path)}


def test_an_unknown_lowering_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'fast': expected auto or none"):
        build_model(tiny_weights(), tmp_path / "m.onnx", lowering="fast")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("word", ["cpu", "targets", "guided", "webgpu", "forward1"])
def test_a_name_that_other_graphs_of_a_model_have_is_refused(
    tmp_path: Path, word: str
) -> None:
    with pytest.raises(ExportError, match=f"names with .{word} are those of"):
        build_model(tiny_weights(), tmp_path / f"m.{word}.onnx")
    build_model(tiny_weights(), tmp_path / f"{word}.onnx", lowering="none")


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        build_model(tiny_weights(), tmp_path / folder / "m.onnx")
    for first, second in zip(
        _files(tmp_path / "a" / "m.onnx"),
        _files(tmp_path / "b" / "m.onnx"),
        strict=True,
    ):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("place", [Path, contract.targets_path, contract.cpu_path])
def test_graphs_are_plain_onnx_with_named_sizes(
    tiny_model: Path, place: object
) -> None:
    assert callable(place)
    model = onnx.load(place(tiny_model), load_external_data=False)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
    image = next(i for i in model.graph.input if i.name == contract.IMAGE)
    dims = image.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == [1, 3, "H", "W"]
    kinds = {
        value.type.tensor_type.elem_type
        for value in (*model.graph.input, *model.graph.output)
    }
    assert kinds == {onnx.TensorProto.FLOAT}


def test_metadata_say_what_the_model_is(tiny_model: Path) -> None:
    model = onnx.load(tiny_model, load_external_data=False)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata[contract.META_SCHEMA] == str(contract.SCHEMA)
    assert metadata[contract.META_ROLE] == "evaluation"
    assert metadata[contract.META_POOLING] == "max"
    assert metadata[contract.META_PREPROCESSING] == "caffe"
    assert metadata[contract.META_CONTENT_LAYERS] == "conv3_1,conv4_2,conv5_2"
    assert metadata[contract.META_GENERATOR] == f"lightstyle {contract.VERSION}"
    assert len(metadata[contract.META_WEIGHTS_DIGEST]) == 64
    assert metadata[contract.META_SOURCE_DIGEST] == tiny_weights().digest


def test_metadata_name_the_elements_of_vectors(tiny_model: Path) -> None:
    descent = onnx.load(contract.descent_path(tiny_model), load_external_data=False)
    metadata = {entry.key: entry.value for entry in descent.metadata_props}
    assert metadata[contract.META_NUMBERS].split(",") == [*NUMBER_NAMES]
    terms = metadata[contract.META_TERMS].split(",")
    assert terms == [*contract.terms(CONTENT_LAYERS, STYLE_LAYERS)]
    losses = onnx.load(tiny_model, load_external_data=False).graph.output
    assert {*terms} == {o.name for o in losses if "_loss/" in o.name} | {
        contract.TV_LOSS
    }
    step = onnx.load(contract.step_path(tiny_model), load_external_data=False)
    assert contract.META_TERMS not in {entry.key for entry in step.metadata_props}


def test_all_inputs_can_be_made_from_the_shapes_that_a_graph_names(
    tiny_model: Path,
) -> None:
    sizes = {"H": 43, "W": 57, "M": 3}
    session = onnx_runtime.load().InferenceSession(contract.descent_path(tiny_model))
    feeds = {}
    for each in session.get_inputs():
        dims = (str(dim).replace("/", "//") for dim in each.shape)
        feeds[each.name] = np.zeros([eval(dim, sizes) for dim in dims], np.float32)
    names = [output.name for output in session.get_outputs()]
    made = dict(zip(names, session.run(None, feeds), strict=True))
    for name in STATE:
        assert made[following(name)].shape == feeds[name].shape


def test_the_weights_file_is_safetensors_with_every_tensor_once(
    tiny_model: Path,
) -> None:
    found = load_file(contract.weights_path(tiny_model))
    expected = tiny_weights().tensors()
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_no_graph_carries_a_copy_of_the_weights(tiny_model: Path) -> None:
    for path in contract.graph_paths(tiny_model):
        model = onnx.load(path, load_external_data=False)
        inside = [t.name for t in model.graph.initializer if t.raw_data]
        assert inside
        assert not [name for name in inside if name.endswith((".weight", ".bias"))]


@pytest.mark.parametrize("layers", ["conv3_3", "conv5_3"])
def test_a_model_can_be_built_again_from_its_own_weights(
    tiny_model: Path, tmp_path: Path, layers: str
) -> None:
    source = contract.weights_path(tiny_model)
    export_model(source, tmp_path / "m.onnx", style_layers=[layers])
    again = load_file(contract.weights_path(tmp_path / "m.onnx"))
    np.testing.assert_array_equal(again["mean"], tiny_weights().mean)
    metadata = {
        entry.key: entry.value
        for entry in onnx.load(tmp_path / "m.onnx").metadata_props
    }
    assert metadata[contract.META_SOURCE] == "tiny"
    assert metadata[contract.META_SOURCE_DIGEST] == tiny_weights().digest


def test_a_failure_leaves_the_old_model_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.onnx"
    build_model(tiny_weights(), path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*arguments: object, **others: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx.checker, "check_model", full)
    with pytest.raises(OutputError, match=r"m\.onnx: No space left"):
        build_model(tiny_weights(1), path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_file_that_is_no_models_is_never_replaced(
    tiny_model: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "m.safetensors"
    mine.write_bytes(b"my own weights")
    with pytest.raises(OutputError, match="no model's file"):
        build_model(tiny_weights(), tmp_path / "m.onnx")
    assert mine.read_bytes() == b"my own weights"
    assert list(tmp_path.iterdir()) == [mine]


def test_the_weights_given_are_never_replaced(tiny_model: Path, tmp_path: Path) -> None:
    build_model(tiny_weights(), tmp_path / "m.onnx")
    weights = contract.weights_path(tmp_path / "m.onnx")
    before = weights.read_bytes()
    with pytest.raises(OutputError, match="is the weights file given"):
        export_model(weights, tmp_path / "m.onnx", style_layers=["conv1_1"])
    assert weights.read_bytes() == before


def test_the_bundled_model_is_what_its_weights_make(tmp_path: Path) -> None:
    bundled = ROOT / "models" / f"{model_folder.BUNDLED_MODEL}.onnx"
    network = read_weights(contract.weights_path(bundled)).halved()
    build_model(network, tmp_path / bundled.name)
    for made, shipped in zip(
        contract.graph_paths(tmp_path / bundled.name),
        contract.graph_paths(bundled),
        strict=True,
    ):
        graphs = [onnx.load(p, load_external_data=False).graph for p in (made, shipped)]
        assert graphs[0] == graphs[1], made.name
    tensors = load_file(contract.weights_path(bundled))
    for name, value in load_file(
        contract.weights_path(tmp_path / bundled.name)
    ).items():
        np.testing.assert_array_equal(value, tensors[name])
