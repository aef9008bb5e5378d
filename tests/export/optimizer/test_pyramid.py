from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.graph import Graph
from export.optimizer.pyramid import HALVINGS, PyramidMap
from export.optimizer.values import Value
from lightstyle.optimize import preconditioner
from tests.support.oracles import relative_l2
from tests.support.runners import Run, runner

#: Even, odd, long, with no level at all, and of the least size.
SIZES = [(32, 48), (33, 47), (16, 131), (7, 5), (64, 15), (1, 1), (130, 257)]

Picture = NDArray[np.float32]


def _run(formula: Callable[[PyramidMap, Value], dict[str, Value]]) -> Run:
    graph = Graph()
    picture = Value(graph, graph.input("v", (1, 3, "H", "W")))
    for name, value in formula(PyramidMap(picture), picture).items():
        graph.outputs[name] = value.tensor
    return runner(graph)


@pytest.fixture(scope="module")
def maps() -> Run:
    def all_maps(pyramid: PyramidMap, picture: Value) -> dict[str, Value]:
        levels = pyramid.levels(picture)
        assert len(levels) == HALVINGS + 1
        # A name of its own: an output may not be an input.
        named = {f"level{i}": each for i, each in enumerate(levels) if i}
        product, squares = pyramid.product(picture), pyramid.squares(picture)
        return {"product": product, "squares": squares, **named}

    return _run(all_maps)


def _picture(size: tuple[int, int], seed: int = 0) -> Picture:
    picture = np.random.default_rng(seed).normal(size=(1, 3, *size))
    return picture.astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_levels_are_those_of_the_reference(size: tuple[int, int], maps: Run) -> None:
    picture = _picture(size)
    found = maps({"v": picture})
    _, *levels = preconditioner.PyramidMap((3, *size)).adjoint(picture.ravel())
    for number, level in enumerate(levels, start=1):
        gain = preconditioner.GAIN**number
        assert relative_l2(gain * found[f"level{number}"][0], level) < 1e-6


@pytest.mark.parametrize("size", SIZES)
def test_products_and_squares_are_those_of_the_reference(
    size: tuple[int, int], maps: Run
) -> None:
    """So levels that are too small count for nothing."""
    picture = _picture(size)
    found = maps({"v": picture})
    reference = preconditioner.PyramidMap((3, *size))
    levels = reference.adjoint(picture.ravel())
    expected = reference.forward(levels)
    assert relative_l2(found["product"].ravel(), expected) < 1e-6
    squares = sum(np.sum(level.astype(np.float64) ** 2) for level in levels)
    assert found["squares"] == pytest.approx(squares, rel=1e-6)


@pytest.mark.parametrize("size", SIZES[:4])
def test_the_product_is_symmetric_and_its_form_is_the_squares(
    size: tuple[int, int], maps: Run
) -> None:
    u, v = (_picture(size, seed) for seed in (1, 2))

    def form(left: Picture, right: Picture) -> Any:
        return np.sum(left.astype(np.float64) * maps({"v": right})["product"])

    assert form(u, v) == pytest.approx(form(v, u), rel=1e-5, abs=1e-3)
    assert form(v, v) == pytest.approx(maps({"v": v})["squares"], rel=1e-5)


def test_enough_levels_for_a_side_of_8192_pixels() -> None:
    least = preconditioner.COARSEST_SIDE * 2**HALVINGS
    levels = preconditioner.PyramidMap((1, least, least)).adjoint
    assert least == 8192
    assert len(levels(np.zeros(least * least, np.float32))) == HALVINGS + 1
