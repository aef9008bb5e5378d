from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from export.graph import Graph, Shape
from export.optimizer.values import Value, joined, where
from tests.support.runners import runner

A = np.array([[1.5, -2.0, 0.0], [3.0, 4.0, -0.5]], np.float32)
B = np.array([[2.0, 2.0, -1.0], [3.0, -8.0, -0.5]], np.float32)

Formula = Callable[..., Value]


def _computed(formula: Formula, *arrays: Any) -> Any:
    """What a graph of the formula makes of arrays."""
    graph = Graph()
    values = [Value(graph, graph.input(f"x{i}", x.shape)) for i, x in enumerate(arrays)]
    result = formula(*values)
    graph.outputs["y"] = result.tensor
    found = runner(graph)({f"x{i}": x for i, x in enumerate(arrays)})["y"]
    assert found.shape == result.tensor.shape  # as the graph says
    return found


@pytest.mark.parametrize(
    "formula",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: -a * b,
        lambda a, b: 2.0 - a,
        lambda a, b: 3.0 / b,
        lambda a, b: (1 - a * 0.5 + b / 4) - 2,
    ],
)
def test_arithmetic_is_that_of_arrays(formula: Any) -> None:
    np.testing.assert_allclose(_computed(formula, A, B), formula(A, B), rtol=1e-6)


@pytest.mark.parametrize(
    "formula",
    [
        lambda a, b: a > b,
        lambda a, b: a < b,
        lambda a, b: a >= b,
        lambda a, b: a <= b,
        lambda a, b: a > 0.0,
        lambda a, b: a <= 1.5,
    ],
)
def test_a_truth_value_is_one_or_zero(formula: Any) -> None:
    found = _computed(formula, A, B)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, formula(A, B))


def test_functions_are_those_of_arrays() -> None:
    pairs: list[tuple[Formula, Any]] = [
        (lambda a, b: a.greatest(b), np.maximum(A, B)),
        (lambda a, b: a.greatest(1.0), np.maximum(A, 1)),
        (lambda a, b: (a * a).sqrt(), np.abs(A)),
        (lambda a, b: a.clipped(-1, 2), np.clip(A, -1, 2)),
        (lambda a, b: a.mapped("Abs"), np.abs(A)),
        (lambda a, b: a.sum(), [A.sum()]),
        (lambda a, b: a.dot(b), [np.sum(A * B)]),
        (lambda a, b: a.reshaped([3, 2], (3, 2)), A.reshape(3, 2)),
        (lambda a, b: a.reshaped([3, 2], (3, 2)).matmul(b), A.reshape(3, 2) @ B),
    ]
    for formula, expected in pairs:
        np.testing.assert_allclose(_computed(formula, A, B), expected, rtol=1e-6)


@pytest.mark.parametrize(("old", "new"), [(0, 2), (0, 3), (2, 0), (3, 0)])
def test_an_axis_of_length_one_moves(old: int, new: int) -> None:
    shape = [3, 4, 5]
    shape.insert(old, 1)
    x = np.arange(60, dtype=np.float32).reshape(shape)
    found = _computed(lambda v: v.with_axis_moved(old, new), x)
    np.testing.assert_array_equal(found, np.moveaxis(x, old, new))


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_a_choice_takes_nothing_from_the_other_side(truth: float) -> None:
    condition = np.array([truth], np.float32)
    spoilt = np.array([np.nan, np.inf, -np.inf], np.float32)
    sides = (A[0], spoilt) if truth else (spoilt, A[0])
    np.testing.assert_array_equal(_computed(where, condition, *sides), A[0])


def test_a_choice_may_be_of_numbers_and_be_made_element_by_element() -> None:
    found = _computed(lambda a: where(a > 0.0, 1.0, a), A)
    np.testing.assert_array_equal(found, np.where(A > 0, 1, A))


def test_scalars_are_joined_in_order() -> None:
    found = _computed(lambda a: joined([a.element(1), a.of(7.0), a.sum()]), A[0])
    np.testing.assert_array_equal(found, [A[0, 1], 7, A[0].sum()])


def test_a_long_sum_is_accurate_in_float32() -> None:
    picture = np.random.default_rng(0).uniform(0, 1, (1, 3, 512, 512))
    picture = picture.astype(np.float32)
    found = _computed(lambda v: v.sum(), picture)
    assert found == pytest.approx(picture.sum(dtype=np.float64), rel=3e-7)


def test_a_number_is_one_constant_however_often_it_is_used() -> None:
    graph = Graph()
    shape: Shape = (2,)
    value = Value(graph, graph.input("x", shape))
    _ = value * 0.5 + value / 0.5
    assert [*graph.constants] == ["number/0.5"]
