import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from export import build_model
from lightstyle import Model, contract
from lightstyle.engine import model as model_module
from lightstyle.engine import providers
from lightstyle.engine.graphs import Graphs, check_files
from lightstyle.engine.providers import HOST
from lightstyle.engine.session import Session
from lightstyle.errors import DeviceError, ModelError, UsageError
from tests.support.networks import feeds_for, loss_for, picture, tiny_weights
from tests.support.oracles import loss_and_gradient, relative_l2


def _copied(model: Path, folder: Path) -> Path:
    for path in model.parent.glob("tiny*"):
        shutil.copy(path, folder)
    return folder / model.name


def _cpu_targets(path: Path) -> Path:
    return contract.targets_path(contract.cpu_path(path))


def test_a_model_says_what_it_was_built_with(tiny_model: Path) -> None:
    info = Model.load(tiny_model, "cpu").info
    assert info.content_layers == ("conv4_2", "conv5_2")
    assert info.style_layers[0] == "conv1_1"
    assert (info.pooling, info.source, info.path) == ("max", "tiny", tiny_model)


def test_an_evaluation_is_what_the_oracle_computes(tiny_model: Path) -> None:
    weights = tiny_weights()
    image, content, style = (picture(40, 48, seed=n) for n in range(3))
    model = Model.load(tiny_model, "cpu")
    content_weights = dict.fromkeys(model.info.content_layers, 1.0)
    style_weights = dict.fromkeys(model.info.style_layers, 10.0)
    loss = loss_for(weights, content, style, content_weights, style_weights, "max", 0.1)
    terms, gradient = loss_and_gradient(image, weights, loss, "max")
    found = model.evaluate(image[None], feeds_for(loss, np.float32))
    assert found.terms == pytest.approx(terms, rel=1e-5)
    assert relative_l2(found.gradient[0], gradient) < 1e-4


def test_targets_are_feeds_of_an_evaluation_that_then_finds_no_loss(
    tiny_model: Path,
) -> None:
    model = Model.load(tiny_model, "cpu")
    image = picture(45, 40)[None]
    feeds = model.targets(image)
    for name in list(feeds):
        feeds[name.replace("_target", "_weight")] = np.array(1, np.float32)
    feeds[contract.TV_WEIGHT] = np.array(0, np.float32)
    terms = model.evaluate(image, feeds).terms
    terms.pop(contract.TV_LOSS)
    assert max(terms.values()) < 1e-6


def test_gram_matrices_are_computed_once_for_each_picture(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(tiny_model, "cpu")
    pictures = [
        picture(40, 45, seed)[None] for seed in range(model_module.REMEMBERED + 2)
    ]
    asked: list[int] = []
    compute = model.targets

    def counted(pixels: np.ndarray, *others: object) -> dict[str, np.ndarray]:
        asked.append(1)
        return compute(pixels)

    monkeypatch.setattr(model, "targets", counted)
    for pixels in pictures:
        first, again = (model.style_targets(pixels.copy()) for _ in range(2))
        assert first is again
        expected = compute(pixels)
        for name, matrix in first.items():
            np.testing.assert_array_equal(matrix, expected[name])
    assert len(asked) == len(pictures)
    model.style_targets(pictures[2])  # the oldest of those, and now the latest
    assert len(asked) == len(pictures)
    model.style_targets(pictures[0])  # not among the latest any more
    model.style_targets(pictures[2])
    assert len(asked) == len(pictures) + 1


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


def test_two_sizes_at_a_time_have_sessions_of_their_own(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(tiny_model, "cpu")
    made: list[object] = []
    start = Session.__init__

    def counted(self: Session, *arguments: Any, **others: Any) -> None:
        made.append(others.get("size"))
        start(self, *arguments, **others)

    monkeypatch.setattr(Session, "__init__", counted)
    for _ in range(3):
        for size in ((40, 44), (48, 36)):
            model.targets(picture(*size)[None])
    assert made == [(40, 44), (48, 36)]


def test_threads_may_share_a_model(tiny_model: Path) -> None:
    model = Model.load(tiny_model, "cpu")
    pictures = [picture(40 + n, 50 - n, seed=n)[None] for n in range(8)]
    expected = [model.targets(pixels) for pixels in pictures]
    found: dict[int, dict[str, np.ndarray]] = {}

    def work(n: int) -> None:
        for _ in range(5):
            found[n] = model.targets(pictures[n])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, targets in enumerate(expected):
        for name, values in targets.items():
            np.testing.assert_array_equal(found[n][name], values)


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


@pytest.mark.parametrize(
    ("device", "threads"), [("tpu", None), ("cpu", 0), ("cpu", 100_000)]
)
def test_devices_and_threads_out_of_range_are_refused(
    tiny_model: Path, device: str, threads: int | None
) -> None:
    with pytest.raises(UsageError, match="expected"):
        Model.load(tiny_model, device, threads)


def test_cuda_without_a_gpu_is_an_error(tiny_model: Path) -> None:
    with pytest.raises(DeviceError, match="cuda"):
        Model.load(tiny_model, "cuda")


@pytest.fixture
def new_device(monkeypatch: pytest.MonkeyPatch) -> str:
    """A row more, of a device that may be listed and not work."""
    row = replace(HOST, name="new", self_test=True, graph_form=None)
    rows = *providers.PROVIDERS, row
    monkeypatch.setattr(providers, "PROVIDERS", rows)
    monkeypatch.setattr(providers, "DEVICES", (*providers.DEVICES, row.name))
    return row.name


def test_a_device_is_added_by_a_row(tiny_model: Path, new_device: str) -> None:
    image = picture(40, 48)[None]
    model = Model.load(tiny_model, new_device)
    assert model.device == Model.load(tiny_model, "auto").device == new_device
    expected = Model.load(tiny_model, HOST.name).targets(image)
    for name, value in model.targets(image).items():
        assert relative_l2(value, expected[name].astype(np.float64)) < 1e-5


def test_a_device_that_fails_its_first_evaluation_does_not_count(
    tiny_model: Path, new_device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ModelError("a library is missing")

    monkeypatch.setattr(Model, "evaluate", fails)
    with pytest.raises(DeviceError, match="new cannot be used: a library is missing"):
        Model.load(tiny_model, new_device)
    assert Model.load(tiny_model, "auto").device == HOST.name


def test_auto_uses_the_cpu_where_other_devices_are_listed_but_do_not_work(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "available", lambda: providers.PROVIDERS)
    assert Model.load(tiny_model, "auto").device == "cpu"
