import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from lightstyle import contract, onnx_runtime
from lightstyle.engine import offers, providers, threads
from lightstyle.engine.provider import Provider
from lightstyle.engine.providers import HOST, PROVIDERS
from lightstyle.engine.session import Session
from lightstyle.errors import DeviceError, ModelError

(GPU,) = (each for each in PROVIDERS if each.name == "cuda")


class _Fake:
    """onnxruntime as it is with and without a usable GPU."""

    def __init__(self, listed: list[str], working: list[str]) -> None:
        self.listed, self.working = listed, working
        self.SessionOptions = onnx_runtime.load().SessionOptions
        self.requested: list[Any] = []
        self.failure: Exception | None = None
        self.missing = "noise that must not reach stdout"

    def preload_dlls(self) -> None:
        print(self.missing)

    def get_available_providers(self) -> list[str]:
        return self.listed

    def InferenceSession(self, path: str, options: Any, **others: Any) -> Any:  # noqa: N802
        self.requested.append((options, others))
        if isinstance(self.failure, Exception):
            raise self.failure
        return SimpleNamespace(
            get_providers=lambda: self.working,
            get_outputs=list,
            get_inputs=list,
            get_modelmeta=lambda: SimpleNamespace(custom_metadata_map={}),
        )


def test_outputs_come_by_name(tiny_model: Path) -> None:
    loaded = Session(contract.targets_path(tiny_model), HOST, 1)
    pixels = np.zeros((1, 3, 40, 33), np.float32)
    outputs = loaded.run({"image": pixels})
    assert outputs["style_target/conv1_1"].shape == (5, 5)
    assert loaded.metadata[contract.META_ROLE] == contract.TARGETS
    assert loaded.inputs == ("image",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ir_version": 2**31 - 1}, "Unsupported model IR version: 2147483647"),
        ({"output": "x" * 90_000}, "xxx"),
        ({"operator": "\x1b[2J" * 30}, "?[2J"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_told_on_one_short_line(
    change: dict[str, Any], words: str, foreign_onnx: Path, tmp_path: Path
) -> None:
    model = onnx.load(foreign_onnx)
    model.ir_version = change.get("ir_version", model.ir_version)
    model.graph.output[0].name = change.get("output", "y")
    model.graph.node[0].op_type = change.get("operator", "Relu")
    path = tmp_path / "odd.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        Session(path, HOST, 1)
    message = str(caught.value).replace(str(tmp_path), "")
    assert words in message
    assert "::" not in message
    assert message.isprintable()
    assert len(message) < 300


def test_a_run_on_placed_tensors_gives_the_same_and_copies_no_input(
    tiny_model: Path,
) -> None:
    loaded = Session(contract.targets_path(tiny_model), HOST, 1)
    pixels = np.random.default_rng(0).random((1, 3, 40, 33), np.float32) * 255
    placed = {"image": loaded.place(pixels)}
    before = loaded.run_bound(placed)
    for name, value in loaded.run({"image": pixels}).items():
        np.testing.assert_array_equal(before[name].numpy(), value)
    pixels[:] = 0  # the very memory that was placed
    after = loaded.run_bound(placed)
    for name, value in loaded.run({"image": pixels}).items():
        np.testing.assert_array_equal(after[name].numpy(), value)
        assert (before[name].numpy() != value).any()


def test_outputs_of_a_bound_run_are_fed_to_the_next_where_they_lie(
    tiny_model: Path,
) -> None:
    targets = Session(contract.targets_path(tiny_model), HOST, 1)
    evaluation = Session(tiny_model, HOST, 1)
    image = targets.place(np.full((1, 3, 40, 33), 99, np.float32))
    feeds = {"image": image, **targets.run_bound({"image": image})}
    one = evaluation.place(np.ones((), np.float32))
    weights = {name: one for name in evaluation.inputs if name not in feeds}
    found = evaluation.run_bound({**feeds, **weights})
    assert found[contract.GRADIENT].shape() == [1, 3, 40, 33]
    losses = [value.numpy() for name, value in found.items() if "style_loss" in name]
    assert max(values.max() for values in losses) < 1e-6


def test_a_missing_feed_of_a_bound_run_is_an_error_of_one_line(
    tiny_model: Path,
) -> None:
    with pytest.raises(ModelError, match="failed") as caught:
        Session(tiny_model, HOST, 1).run_bound({})
    assert "\n" not in str(caught.value)


def test_a_missing_feed_is_an_error_of_one_line(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="failed") as caught:
        Session(tiny_model, HOST, 1).run({})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "does not exist"), (b"", "cannot be loaded"), (b"\x08\x08junk", "cannot")],
)
def test_files_that_are_no_graph_are_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=problem) as caught:
        Session(path, HOST, None)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gpu_that_is_listed_but_does_not_work_is_an_error_not_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    fake = _Fake(both, ["CPUExecutionProvider"])
    fake.missing = "Failed to load libcudart.so.13: libcudart.so.13: no such file\nmore"
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    with pytest.raises(DeviceError, match=r"lightstyle\[gpu\]") as caught:
        Session(tiny_model, GPU, None)
    assert "a library cannot be loaded: libcudart.so.13: no such file;" in str(
        caught.value
    )


@pytest.mark.parametrize("provider", PROVIDERS[1:], ids=lambda each: each.name)
def test_a_device_that_is_not_installed_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path, provider: Provider
) -> None:
    fake = _Fake([HOST.ort_name], [HOST.ort_name])
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    monkeypatch.setattr(offers, "is_installed", lambda row: False)
    with pytest.raises(DeviceError, match=rf"lightstyle\[{provider.extra}\]"):
        Session(tiny_model, provider, None)


def test_a_device_on_which_no_session_works_is_an_error_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    fake = _Fake([GPU.ort_name, HOST.ort_name], [])
    fake.failure = RuntimeError("[ONNXRuntimeError] : 1 : FAIL : no such adapter")
    row = replace(GPU, library="")
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    with pytest.raises(DeviceError, match="does not work: no such adapter; it needs"):
        Session(tiny_model, row, None)


def test_a_session_is_made_with_the_options_of_its_provider_and_in_silence(
    monkeypatch: pytest.MonkeyPatch,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = _Fake([GPU.ort_name, HOST.ort_name], [GPU.ort_name])
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    Session(tiny_model, GPU, None)
    _, others = fake.requested[0]
    assert others["providers"] == [(GPU.ort_name, GPU.options)]
    assert GPU.options["use_tf32"] == "0"
    assert providers.at("tf32", GPU).options == {**GPU.options, "use_tf32": "1"}
    assert capsys.readouterr().out == ""


def test_onnxruntime_never_falls_back_by_itself(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    fake = _Fake(["CPUExecutionProvider"], ["CPUExecutionProvider"])
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    Session(tiny_model, HOST, 3)
    options, others = fake.requested[0]
    assert others["enable_fallback"] == 0
    assert options.intra_op_num_threads == 3


def test_threads_are_those_the_process_may_use(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    fake = _Fake(["CPUExecutionProvider"], ["CPUExecutionProvider"])
    monkeypatch.setattr(providers, "onnxruntime", lambda: fake)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr(threads, "available_cpus", lambda: 5)
    Session(tiny_model, HOST, None)
    assert fake.requested[0][0].intra_op_num_threads == 5


@pytest.mark.parametrize("problem", [ImportError("none"), AttributeError("gutted")])
def test_without_onnxruntime_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise problem

    monkeypatch.setitem(
        sys.modules,
        "onnxruntime",
        None if isinstance(problem, ImportError) else Broken(),
    )
    with pytest.raises(DeviceError, match=r'pip install "lightstyle\[cpu\]"'):
        providers.listed()
