from collections.abc import Callable

import numpy as np
import pytest

from export import ops
from export.backward import gradient
from export.graph import Graph, Tensor
from export.rules import RULES
from tests.support.networks import picture
from tests.support.oracles import directional_error, run_reference

KERNEL = np.random.default_rng(1).normal(size=(5, 3, 3, 3))
BIAS = np.random.default_rng(2).normal(size=5)


def _conv(graph: Graph, x: Tensor) -> Tensor:
    return ops.conv(graph, x, graph.constant(KERNEL), graph.constant(BIAS))


def _other(graph: Graph, x: Tensor) -> Tensor:
    """A tensor that varies with x and has fewer rows, to be broadcast."""
    return ops.reduce_sum(graph, ops.square(graph, x), (2,), keepdims=True)


def _guided_gram(graph: Graph, x: Tensor) -> Tensor:
    weights = graph.constant(np.random.default_rng(4).uniform(size=(2, 1, 8, 8)))
    return ops.guided_gram(graph, x, ops.cropped(graph, weights, x))


CASES: dict[str, Callable[[Graph, Tensor], Tensor]] = {
    "Add": lambda g, x: ops.add(g, _other(g, x), x),
    "Sub": lambda g, x: ops.sub(g, x, _other(g, x)),
    "Mul": lambda g, x: ops.mul(g, _other(g, x), x),
    "Div": lambda g, x: ops.div(g, ops.gram(g, x), ops.positions(g, x)),
    "Square": ops.square,
    "ReduceSum": lambda g, x: ops.reduce_sum(g, ops.square(g, x), (0, 3)),
    "Slice front": lambda g, x: ops.trim(g, x, 2, front=True),
    "Slice back": lambda g, x: ops.trim(g, x, 3, front=False),
    "Conv": _conv,
    "Relu": lambda g, x: ops.relu(g, ops.sub(g, x, g.constant(127.0))),
    "MaxPool": lambda g, x: ops.pool(g, x, "max"),
    "AveragePool": lambda g, x: ops.pool(g, x, "average"),
    "Gram": ops.gram,
    "GuidedGram": _guided_gram,
    "MatMul left": lambda g, x: ops.matmul(g, ops.gram(g, x), g.constant(KERNEL[0, 0])),
    "MatMul right": lambda g, x: ops.matmul(
        g, g.constant(KERNEL[0, 0]), ops.gram(g, x)
    ),
    "MatMul of a stack": lambda g, x: ops.matmul(
        g, g.constant(KERNEL[0, 0]), _guided_gram(g, x)
    ),
    "Transpose": lambda g, x: ops.transpose(g, ops.square(g, x), (2, 0, 3, 1)),
}


@pytest.mark.parametrize("size", [(6, 8), (7, 5)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_every_rule_agrees_with_central_differences(
    case: str, size: tuple[int, int]
) -> None:
    at = picture(*size)[None].astype(np.float64)
    graph = Graph(dtype=np.dtype(np.float64))
    x = graph.input("x", (1, 3, "H", "W"))
    y = CASES[case](graph, x)
    graph.outputs["y"] = y
    value = run_reference(graph, {"x": at})["y"]
    cotangent = np.random.default_rng(3).normal(size=value.shape)
    seed = graph.input("seed", y.shape)
    graph.outputs["gradient"] = gradient(graph, {y: seed}, x)
    feeds = {"seed": cotangent}

    def objective(pixels: np.ndarray) -> float:
        outputs = run_reference(graph, {"x": pixels, **feeds})
        return float(np.sum(outputs["y"] * cotangent))

    found = run_reference(graph, {"x": at, **feeds})["gradient"]
    assert found.shape == at.shape
    assert directional_error(objective, found, at, step=1e-4) < 1e-6


def test_every_operator_in_the_table_is_checked() -> None:
    assert {case.split()[0] for case in CASES} == set(RULES)
