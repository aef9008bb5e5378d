from collections.abc import Callable

import numpy as np
import pytest

from export import ops, winograd
from export.graph import Graph, Tensor
from export.lowering import lower
from export.write import to_proto
from tests.support import oracles
from tests.support.networks import tiny_weights
from tests.support.oracles import run_reference

SIZES = [(8, 12), (9, 7), (5, 6), (13, 16), (4, 4), (2, 3)]


@pytest.fixture(autouse=True)
def _always_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "THRESHOLD", 0.0)


def _fast(graph: Graph, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of `graph` lowered for CPUs, its mapped kernels made and fed."""
    kernels = winograd.kernel_graph(tiny_weights(), ["conv1_2"], np.float64)
    return run_reference(graph, {**feeds, **run_reference(kernels, {})}, cpu=True)


def _graph(build: Callable[[Graph, Tensor, Tensor, Tensor], Tensor]) -> Graph:
    weights = tiny_weights()
    graph = Graph(dtype=np.dtype(np.float64))
    x = graph.input("x", (1, 5, "H", "W"))
    kernel = graph.constant(weights.kernels["conv1_2"], "conv1_2.weight")
    bias = graph.constant(weights.biases["conv1_2"], "conv1_2.bias")
    graph.outputs["y"] = build(graph, x, kernel, bias)
    return graph


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_convolution_and_its_gradient_are_those_of_the_definition(
    size: tuple[int, int],
) -> None:
    x = np.random.default_rng(0).normal(size=(1, 5, *size))
    kernel = tiny_weights().kernels["conv1_2"].astype(np.float64)
    bias = tiny_weights().biases["conv1_2"].astype(np.float64)
    forward = _fast(_graph(ops.conv), {"x": x})["y"]
    np.testing.assert_allclose(forward[0], oracles.conv(x[0], kernel, bias), atol=1e-12)
    backward = _graph(lambda graph, g, k, bias: ops.conv_gradient(graph, g, k))
    np.testing.assert_allclose(
        _fast(backward, {"x": x})["y"][0],
        oracles.conv_gradient(x[0], kernel),
        atol=1e-12,
    )


def test_maps_compute_a_correlation_in_one_dimension() -> None:
    random = np.random.default_rng(1)
    pixels, taps = random.normal(size=winograd.TILE), random.normal(size=3)
    forward, backward = winograd.forward_maps(), winograd.gradient_maps()
    # The gradient's take the kernel mapped as it is, and filter with it turned around.
    for maps, turned in ((forward, taps), (backward, taps[::-1])):
        found = maps.output @ ((forward.kernel @ taps) * (maps.tile @ pixels))
        expected = [pixels[i : i + 3] @ turned for i in range(winograd.OUTPUT)]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_only_wide_layers_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    graph = Graph()
    wide, narrow, pointwise = (
        graph.constant(np.zeros(shape))
        for shape in [(128, 128, 3, 3), (64, 64, 3, 3), (512, 512, 1, 1)]
    )
    assert winograd.pays(wide)
    assert not winograd.pays(narrow)
    assert not winograd.pays(pointwise)


def test_kernels_in_16_bits_are_recognised() -> None:
    graph = Graph()
    x = graph.input("x", (1, 5, "H", "W"))
    half = tiny_weights().kernels["conv1_2"].astype(np.float16)
    kernel = ops.cast(graph, graph.constant(half, "conv1_2.weight", np.float16))
    bias = graph.constant(tiny_weights().biases["conv1_2"], "conv1_2.bias")
    graph.outputs["y"] = ops.conv(graph, x, kernel, bias)
    fast = lower(graph, cpu=True)
    assert "kernel/conv1_2" in fast.inputs
    assert "conv1_2.weight" not in fast.constants
    assert not [n for n in to_proto(fast).graph.node if n.op_type == "Cast"]


def test_a_relu_in_front_of_a_pooling_is_masked_behind_it() -> None:
    # On flat areas and at zeros alike, bit for bit as the portable form.
    random = np.random.default_rng(2)
    x = np.round(random.normal(size=(1, 5, 9, 10)))
    graph = Graph(dtype=np.dtype(np.float64))
    before = graph.input("x", x.shape)
    activation = ops.relu(graph, before)
    pooled = ops.pool(graph, activation, "max")
    g = graph.input("g", pooled.shape)
    wide = ops.max_pool_gradient(graph, activation, pooled, g)
    graph.outputs["y"] = ops.relu_gradient(graph, activation, wide)
    feeds = {"x": x, "g": random.normal(size=(1, 5, 4, 5))}
    plain, fast = (run_reference(graph, feeds, cpu=cpu)["y"] for cpu in (False, True))
    np.testing.assert_array_equal(fast, plain)
