"""What runs without a CPU provider beside it: WebGPU, and others that lack as much."""

from pathlib import Path

import onnx
import pytest

from export import CONTENT_LAYERS, STYLE_LAYERS, model
from export.graph import Graph, Node, Tensor
from export.network import LossNetwork
from export.optimizer.step import descent_graph, step_graph
from export.write import to_proto
from lightstyle import onnx_runtime
from tests.support.networks import tiny_weights

#: Operators with a kernel for float32 in onnxruntime's WebGPU plugin 0.4.0, as its
#: ``get_registered_ep_kernel_defs`` lists them, of those that the graphs have.
KERNELS = """
    Abs Add AveragePool Cast Clip Concat Conv ConvTranspose Div Equal Floor Greater
    GreaterOrEqual Less LessOrEqual MatMul Max MaxPool Mul Neg Pad ReduceMax ReduceMin
    ReduceSum Relu Reshape Resize Shape Slice Sqrt Squeeze Sub Transpose Unsqueeze Where
"""

#: Storage buffers that WebGPU binds to a shader, at least.
BUFFERS = 8

SIZES = {"H": 48, "W": 35, "M": 6, "K": 50}


def _descent(*, rewrite: bool) -> Graph:
    network = LossNetwork(tiny_weights(), CONTENT_LAYERS, STYLE_LAYERS)
    return descent_graph(model.evaluation(network), rewrite=rewrite)


@pytest.fixture(params=["step", "descent"])
def graph(request: pytest.FixtureRequest) -> Graph:
    """In the form for WebGPU."""
    if request.param == "step":
        return step_graph(rewrite=True)
    return _descent(rewrite=True)


def _of_sizes(graph: Graph) -> set[Tensor]:
    """What is known once the sizes are: constants, shapes, and what is made of them."""
    known = {graph.tensor(name) for name in graph.constants}
    for node in graph.nodes:
        if node.op == "Shape" or known.issuperset(node.inputs):
            known.add(node.output)
    return known


def _at_run_time(graph: Graph) -> list[Node]:
    known = _of_sizes(graph)
    return [node for node in graph.nodes if node.output not in known]


def test_nothing_but_shapes_is_an_integer(graph: Graph) -> None:
    kinds = {node.output.dtype.name for node in _at_run_time(graph)}
    assert kinds == {"float32", "bool"}


def test_every_operator_has_a_kernel_on_webgpu(graph: Graph) -> None:
    assert {node.op for node in _at_run_time(graph)} <= {*KERNELS.split()}


def test_no_node_needs_more_buffers_than_webgpu_binds(graph: Graph) -> None:
    assert max(len(node.inputs) + 1 for node in graph.nodes) <= BUFFERS


@pytest.mark.parametrize("rewrite", [False, True])
@pytest.mark.parametrize("merged", [False, True])
def test_there_is_no_control_flow(merged: bool, rewrite: bool) -> None:
    """And no operator with a graph of its own."""
    made = _descent(rewrite=rewrite) if merged else step_graph(rewrite=rewrite)
    for node in to_proto(made).graph.node:
        assert node.op_type not in ("If", "Loop", "Scan")
        assert node.domain == ""


def test_fixed_sizes_leave_no_integers(graph: Graph, tmp_path: Path) -> None:
    runtime = onnx_runtime.load()
    options = runtime.SessionOptions()
    for name, size in SIZES.items():
        options.add_free_dimension_override_by_name(name, size)
    # Of ONNX's operators alone, as other providers get them.
    level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    runtime.InferenceSession(to_proto(graph).SerializeToString(), options)
    left = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "optimised.onnx"))
    kinds = {
        each.name: each.type.tensor_type.elem_type for each in left.graph.value_info
    }
    integers = [
        node.op_type
        for node in left.graph.node
        if kinds.get(node.output[0]) == onnx.TensorProto.INT64
    ]
    assert integers == []
    assert len(left.graph.node) < len(graph.nodes)


def test_the_ring_is_written_in_place_but_for_webgpu() -> None:
    forms = [{node.op for node in step_graph(rewrite=r).nodes} for r in (False, True)]
    assert [("ScatterND" in form) for form in forms] == [True, False]
