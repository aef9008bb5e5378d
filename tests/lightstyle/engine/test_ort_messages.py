"""What is left of a message is its reason, on one line."""

from collections.abc import Callable

import pytest

from lightstyle.engine import ort_messages


@pytest.mark.parametrize(
    ("of", "said", "reason"),
    [
        (
            ort_messages.of_graph,
            "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from m.onnx "
            "failed:Protobuf parsing failed.",
            "Protobuf parsing failed",
        ),
        (
            ort_messages.of_graph,
            "[ONNXRuntimeError] : 1 : FAIL : /src/graph.cc:1423 void "
            "onnxruntime::Graph::Resolve(int) status was false. no input x\nmore",
            "no input x",
        ),
        (
            ort_messages.of_library,
            "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /lib/a.so with "
            "error: libx.so: no such file.",
            "libx.so: no such file",
        ),
        (ort_messages.of_run, "[ONNXRuntimeError] : 2 : a\nb", None),
    ],
)
def test_a_reason_has_no_codes_and_places(
    of: Callable[[Exception], str], said: str, reason: str | None
) -> None:
    assert of(RuntimeError(said)) == (reason or said.partition("\n")[0])


def test_a_fault_that_says_nothing_has_its_kind_for_a_reason() -> None:
    assert ort_messages.of_graph(RuntimeError()) == "RuntimeError"
