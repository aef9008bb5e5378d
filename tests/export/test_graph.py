import numpy as np
import pytest

from export import ops
from export.errors import GraphError
from export.graph import Graph, scope_of


def test_names_come_from_scope_operator_and_a_counter() -> None:
    graph = Graph()
    x = graph.input("x", (1, 3, "H", "W"))
    with graph.scope("conv1_1"):
        first, second = ops.relu(graph, x), ops.relu(graph, x)
    assert [first.name, second.name] == ["conv1_1/Relu_1", "conv1_1/Relu_2"]
    assert scope_of(first) == "conv1_1"


def test_a_weight_is_one_tensor_however_often_it_is_asked_for() -> None:
    graph = Graph()
    value = np.ones(3, np.float32)
    assert graph.constant(value, "bias") is graph.constant(value, "bias")
    with pytest.raises(GraphError, match="two different values"):
        graph.constant(2 * value, "bias")


def test_tensors_of_another_graph_are_refused() -> None:
    x = Graph().input("x", (1,))
    with pytest.raises(GraphError, match="another graph"):
        ops.relu(Graph(), x)


@pytest.mark.parametrize(
    ("dim", "expected"), [(65, 32), ("H", "H/2"), ("H/2", "H/4"), (1, 0)]
)
def test_halving_rounds_down_and_keeps_names(
    dim: int | str, expected: int | str
) -> None:
    assert ops.halved(dim) == expected


def _conv_with_wrong_channels(graph: Graph) -> None:
    x = graph.input("x", (1, 4, "H", "W"))
    ops.conv(graph, x, graph.constant(np.zeros((2, 3, 3, 3), np.float32)))


def _matmul_that_does_not_fit(graph: Graph) -> None:
    ops.matmul(graph, graph.input("a", (2, 3)), graph.input("b", (2, 3)))


def _sum_that_does_not_broadcast(graph: Graph) -> None:
    ops.add(graph, graph.input("a", (2, 3)), graph.input("b", (2, 4)))


def _gram_of_a_matrix(graph: Graph) -> None:
    ops.gram(graph, graph.input("a", (2, 3)))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_conv_with_wrong_channels, "does not fit"),
        (_matmul_that_does_not_fit, "cannot be multiplied"),
        (_sum_that_does_not_broadcast, "do not broadcast"),
        (_gram_of_a_matrix, "expected rank 4"),
    ],
)
def test_wrong_shapes_fail_where_the_node_is_made(make: object, problem: str) -> None:
    assert callable(make)
    with pytest.raises(GraphError, match=problem):
        make(Graph())
