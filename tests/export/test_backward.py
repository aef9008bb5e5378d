import numpy as np
import pytest

from export import ops
from export.backward import gradient
from export.errors import GraphError, NoGradientError
from export.graph import Graph
from tests.support.oracles import run_reference


def _graph() -> Graph:
    return Graph(dtype=np.dtype(np.float64))


def test_gradients_of_all_uses_of_a_tensor_are_added() -> None:
    graph = _graph()
    x, seed = graph.input("x", (3,)), graph.input("seed", ())
    y = ops.add(graph, ops.square(graph, x), ops.scaled(graph, x, 5.0))
    graph.outputs["gradient"] = gradient(graph, {y: seed}, x)
    at = np.array([1.0, -2.0, 3.0])
    found = run_reference(graph, {"x": at, "seed": np.array(2.0)})["gradient"]
    np.testing.assert_allclose(found, 2 * (2 * at + 5))


def test_several_seeds_are_differentiated_in_one_sweep() -> None:
    graph = _graph()
    x = graph.input("x", (2,))
    y, z = ops.square(graph, x), ops.scaled(graph, x, 3.0)
    seeds = {y: graph.constant(1.0), z: graph.constant(10.0)}
    graph.outputs["gradient"] = gradient(graph, seeds, x)
    found = run_reference(graph, {"x": np.array([1.0, 2.0])})["gradient"]
    np.testing.assert_allclose(found, [32.0, 34.0])


def test_only_paths_to_the_image_get_nodes() -> None:
    graph = _graph()
    x, other = graph.input("x", (2,)), graph.input("other", (2,))
    y = ops.mul(graph, x, ops.square(graph, other))
    before = len(graph.nodes)
    gradient(graph, {y: graph.constant(1.0)}, x)
    assert len(graph.nodes) == before + 1


def test_a_missing_rule_names_the_operator_and_the_input() -> None:
    graph = _graph()
    x = graph.input("x", (2,))
    y = graph.add("Sin", [x], (2,))
    with pytest.raises(NoGradientError, match=r"input 0 \(x\) of operator Sin"):
        gradient(graph, {y: graph.constant(1.0)}, x)


def test_a_gradient_by_an_input_that_has_no_rule_is_refused_not_zero() -> None:
    graph = _graph()
    x = graph.input("x", (2,))
    y = ops.div(graph, graph.constant([1.0, 2.0]), x)
    with pytest.raises(NoGradientError, match=r"input 1 \(x\) of operator Div"):
        gradient(graph, {y: graph.constant(1.0)}, x)


def test_a_loss_that_does_not_depend_on_the_image_is_refused() -> None:
    graph = _graph()
    x, other = graph.input("x", (2,)), graph.input("other", (2,))
    with pytest.raises(GraphError, match="depends on all of 'x'"):
        gradient(graph, {ops.square(graph, other): graph.constant(1.0)}, x)
