from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

from export import build_model
from lightstyle import contract
from lightstyle.registry import MODEL_VARIABLE
from tests.networks import tiny_weights


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees, or leaves, a model of the person who runs it."""
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv(contract.CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few channels; nobody may change its files."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    build_model(tiny_weights(), path)
    return path


@pytest.fixture(scope="session")
def foreign_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good ONNX file that has nothing to do with us."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    opset = [helper.make_opsetid("", 17)]
    path = tmp_path_factory.mktemp("foreign") / "relu.onnx"
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path
