import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from lightstyle import contract
from lightstyle.engine import session
from lightstyle.engine.session import Session, available_cpus
from lightstyle.errors import DeviceError, ModelError


class _Fake:
    """onnxruntime as it is with and without a usable GPU."""

    def __init__(self, listed: list[str], working: list[str]) -> None:
        self.listed, self.working = listed, working
        self.SessionOptions = onnxruntime.SessionOptions
        self.requested: list[Any] = []

    def preload_dlls(self) -> None:
        print("noise that must not reach stdout")

    def get_available_providers(self) -> list[str]:
        return self.listed

    def InferenceSession(self, path: str, options: Any, **others: Any) -> Any:  # noqa: N802
        self.requested.append((options, others))
        return SimpleNamespace(
            get_providers=lambda: self.working, get_outputs=list, get_inputs=list
        )


def test_outputs_come_by_name(tiny_model: Path) -> None:
    loaded = Session(contract.targets_path(tiny_model), "cpu", 1)
    pixels = np.zeros((1, 3, 40, 33), np.float32)
    outputs = loaded.run({"image": pixels})
    assert outputs["style_target/conv1_1"].shape == (5, 5)
    assert loaded.metadata[contract.META_ROLE] == contract.TARGETS
    assert loaded.inputs == ("image",)


def test_a_missing_feed_is_an_error_of_one_line(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="failed") as caught:
        Session(tiny_model, "cpu", 1).run({})
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
        Session(path, "cpu", None)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gpu_that_is_listed_but_does_not_work_is_an_error_not_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    fake = _Fake(both, ["CPUExecutionProvider"])
    monkeypatch.setattr(session, "_onnxruntime", lambda: fake)
    with pytest.raises(DeviceError, match=r"lightstyle\[gpu\]"):
        Session(tiny_model, "cuda", None)


def test_onnxruntime_never_falls_back_by_itself(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    fake = _Fake(["CPUExecutionProvider"], ["CPUExecutionProvider"])
    monkeypatch.setattr(session, "_onnxruntime", lambda: fake)
    Session(tiny_model, "cpu", 3)
    options, others = fake.requested[0]
    assert others["enable_fallback"] == 0
    assert options.intra_op_num_threads == 3


def test_threads_are_those_the_process_may_use(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    fake = _Fake(["CPUExecutionProvider"], ["CPUExecutionProvider"])
    monkeypatch.setattr(session, "_onnxruntime", lambda: fake)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr(session, "available_cpus", lambda: 5)
    Session(tiny_model, "cpu", None)
    assert fake.requested[0][0].intra_op_num_threads == 5


@pytest.mark.parametrize(
    ("affinity", "quota", "count"),
    [
        (8, "max 100000", 8),
        (8, "250000 100000", 2),
        (8, "50000 100000", 1),
        (2, "800000 100000", 2),
    ],
)
def test_available_cpus_are_those_of_affinity_and_container(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: str, count: int
) -> None:
    cpus = set(range(affinity))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: cpus, raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: quota)
    assert available_cpus() == count


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
        session.available_devices()
