"""Files of a model that are missing, damaged, of another model, or lie."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from export import build_model
from lightstyle import Model, contract
from lightstyle.engine.graphs import Graphs, check_files
from lightstyle.engine.providers import HOST
from lightstyle.engine.session import Session
from lightstyle.errors import ModelError
from tests.support.networks import picture, tiny_weights


def _copied(model: Path, folder: Path) -> Path:
    for path in model.parent.glob("tiny*"):
        shutil.copy(path, folder)
    return folder / model.name


def _cpu_targets(path: Path) -> Path:
    return contract.targets_path(contract.cpu_path(path))


@pytest.mark.parametrize("place", [_cpu_targets, contract.kernels_path])
def test_graphs_of_another_model_are_no_siblings(
    tiny_model: Path, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    path = _copied(tiny_model, tmp_path)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "tiny.onnx"
    build_model(tiny_weights(), other, style_layers=["conv3_1"])
    shutil.copy(place(other), place(path))
    with pytest.raises(ModelError, match="other layers or of other weights"):
        Model.load(path, "cpu")
    with pytest.raises(ModelError, match="other layers or of other weights"):
        check_files(path)


def test_a_model_that_is_replaced_while_in_use_is_not_mixed_with_the_new_one(
    tiny_model: Path, tmp_path: Path
) -> None:
    path = _copied(tiny_model, tmp_path)
    model = Model.load(path, "cpu")
    model.targets(picture(40, 40)[None])
    build_model(tiny_weights(seed=9), path)
    model.targets(picture(40, 40, 1)[None])
    with pytest.raises(ModelError, match="other layers or of other weights"):
        model.targets(picture(48, 40)[None])


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10_000])


def _check_refused(path: Path, damage: object, file: object, problem: str) -> None:
    """Damage a file of the model at `path`; loading it must say so, in one line."""
    assert callable(damage)
    assert callable(file)
    damage(file(path))
    with pytest.raises(ModelError, match=problem) as caught:
        Model.load(path, "cpu")
    assert "\n" not in str(caught.value)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1000] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "file", "problem"),
    [
        (Path.unlink, contract.weights_path, "cannot be loaded|safetensors"),
        (_truncate, contract.weights_path, "cannot be loaded|SHA-256"),
        (_flip, contract.weights_path, "SHA-256 .* expected .* was changed"),
        (Path.unlink, contract.targets_path, "targets.onnx does not exist"),
        (_truncate, Path, "cannot be loaded"),
        (Path.unlink, Path, "does not exist: make it with `lightstyle export`"),
    ],
)
def test_damage_to_any_portable_file_is_found_at_load(
    tmp_path: Path, damage: object, file: object, problem: str
) -> None:
    path = tmp_path / "tiny.onnx"
    build_model(tiny_weights(), path, lowering="none")
    _check_refused(path, damage, file, problem)


@pytest.mark.parametrize(
    ("damage", "file", "problem"),
    [
        (_flip, contract.weights_path, "SHA-256 .* expected .* was changed"),
        (_truncate, contract.cpu_path, "cannot be loaded"),
        (Path.unlink, contract.kernels_path, "kernels.onnx does not exist"),
        (Path.unlink, Path, "tiny.onnx does not exist"),
        (Path.unlink, _cpu_targets, "targets.onnx does not exist"),
        (_truncate, _cpu_targets, "cannot be loaded"),
    ],
)
def test_damage_to_any_file_for_cpus_is_found_at_load(
    tiny_model: Path, tmp_path: Path, damage: object, file: object, problem: str
) -> None:
    path = _copied(tiny_model, tmp_path)
    _check_refused(path, damage, file, problem)


@pytest.mark.parametrize(
    ("place", "role"),
    [(contract.targets_path, "targets"), (contract.cpu_path, "evaluation for CPUs")],
)
def test_another_of_its_graphs_is_not_taken_for_the_model(
    tiny_model: Path, place: object, role: str
) -> None:
    assert callable(place)
    with pytest.raises(ModelError, match=f"holds the {role} graph"):
        Model.load(place(tiny_model), "cpu")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("output", "value", "problem"),
    [
        ("content_target/conv4_2", (1, 8, 4, 4), "not finite"),
        ("style_target/conv1_1", (5, 5), "not finite"),
        ("content_target/conv4_2", (1, 8, 4, 3), r"shape \(1, 8, 4, 3\), expected \("),
        ("content_target/conv4_2", (), r"shape \(\), expected \("),
        ("style_target/conv1_1", (5, 4), r"shape .*5, 4\), expected \("),
        ("style_target/conv1_1", (), r"shape .*, expected \("),
    ],
)
def test_targets_that_no_network_gives_are_refused(
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    value: tuple[int, ...],
    problem: str,
    masked: bool,
) -> None:
    model, graphs_run = Model.load(tiny_model, "cpu"), Graphs.run
    guided = masked and output.startswith("style")
    made = np.full((1, *value) if guided and value else value, np.inf, np.float32)
    monkeypatch.setattr(
        Graphs, "run", lambda *given: {**graphs_run(*given), output: made}
    )
    mask = np.ones((32, 32), np.float32) if masked else None
    with pytest.raises(ModelError, match=problem):
        model.targets(picture(32, 32)[None], mask=mask)


def test_weights_that_no_float_holds_the_results_of_are_refused(
    tmp_path: Path,
) -> None:
    weights = tiny_weights()
    kernels = {layer: 1e30 * kernel for layer, kernel in weights.kernels.items()}
    build_model(replace(weights, kernels=kernels), tmp_path / "m.onnx", lowering="none")
    noise = picture(32, 32)[None]
    for masked in (None, np.ones((32, 32), np.float32)):
        with pytest.raises(ModelError, match="not finite"):
            Model.load(tmp_path / "m.onnx", "cpu").targets(noise, mask=masked)


def test_a_graph_that_gives_integers_is_refused(tmp_path: Path) -> None:
    kind = TensorProto.INT64
    x, y = (helper.make_tensor_value_info(name, kind, ["n"]) for name in "xy")
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "g", [x], [y])
    opset = [helper.make_opsetid("", 17)]
    path = tmp_path / "whole.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    feeds = {"x": np.ones(2, np.int64)}
    with pytest.raises(ModelError, match="y is no array of floating-point numbers"):
        Session(path, HOST, 1).run(feeds)


def test_a_graph_of_somebody_else_is_refused(foreign_onnx: Path) -> None:
    with pytest.raises(ModelError, match="not made by Lightstyle"):
        Model.load(foreign_onnx, "cpu")


def test_a_model_of_another_schema_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = contract.SCHEMA
    monkeypatch.setattr(contract, "SCHEMA", 99)
    with pytest.raises(ModelError, match=f"schema {schema}, expected 99"):
        Model.load(tiny_model, "cpu")
