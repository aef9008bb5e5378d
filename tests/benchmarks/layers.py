"""``python -m tests.benchmarks.layers``: which algorithm for which convolution.

Each shape of VGG19 as a graph of one convolution and its ReLU, or of one input
gradient, in every form that the exporter can give it: direct, and Winograd with output
tiles of 2, 4 and 6 pixels. A picture of `--size` pixels decides the sizes. Where direct
gives way to Winograd, `export.winograd.THRESHOLD`, was read off this table.
"""

import argparse
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from time import perf_counter, sleep
from typing import Any
from unittest import mock

import numpy as np

from export import ops, winograd
from export.graph import Graph
from export.lowering import lower
from export.weights import Weights
from export.write import to_proto
from lightstyle import onnx_runtime
from lightstyle.contract import CHANNELS, block
from tests.benchmarks.machine import description, threads

HALF = Fraction(1, 2)

#: Seconds in which the threads of the form before stop spinning.
REST = 0.06

#: Points besides infinity for output tiles of 2, 4 and 6 pixels.
POINTS = {
    2: (Fraction(0), Fraction(1), Fraction(-1)),
    4: winograd.POINTS,
    6: (*map(Fraction, (0, 1, -1, 2, -2)), HALF, -HALF),
}


def shapes(size: int) -> Iterator[tuple[str, int, int, int]]:
    """Layer, channels in and out, and side, of each different convolution."""
    seen, channels = set(), 3
    for layer, outputs in CHANNELS.items():
        side = size >> (block(layer) - 1)
        if channels > 3 and (channels, outputs, side) not in seen:
            seen.add((channels, outputs, side))
            yield layer, channels, outputs, side
        channels = outputs


def _graph(kernel: Any, bias: Any, *, gradient: bool) -> Graph:
    graph = Graph()
    weight = graph.constant(kernel, "layer.weight")
    channels = kernel.shape[0 if gradient else 1]
    x = graph.input("x", (1, channels, "H", "W"))
    if gradient:
        graph.outputs["y"] = ops.conv_gradient(graph, x, weight)
    else:
        y = ops.conv(graph, x, weight, graph.constant(bias, "layer.bias"))
        graph.outputs["y"] = ops.relu(graph, y)
    return graph


def _run(graph: Graph, feeds: dict[str, Any], side: int) -> Any:
    options = onnx_runtime.load().SessionOptions()
    options.enable_mem_pattern = options.enable_mem_reuse = False
    for name in ("H", "W"):
        options.add_free_dimension_override_by_name(name, side)
    data = to_proto(graph).SerializeToString()
    session = onnx_runtime.load().InferenceSession(data, options)
    return lambda: session.run(None, feeds)[0]


def contenders(
    channels: int, outputs: int, side: int, *, gradient: bool
) -> dict[str, Any]:
    """A callable for each form of one convolution."""
    random = np.random.default_rng(0)
    scale = np.sqrt(2 / (9 * channels))
    kernel = random.normal(0, scale, (outputs, channels, 3, 3)).astype(np.float32)
    bias = np.zeros(outputs, np.float32)
    x = random.normal(size=(1, outputs if gradient else channels, side, side))
    feeds = {"x": np.maximum(x, 0).astype(np.float32)}
    graph = _graph(kernel, bias, gradient=gradient)
    weights = Weights(
        {"layer": kernel}, {"layer": bias}, np.zeros(3, np.float32), "", "", ""
    )
    made = {"direct": _run(lower(graph), feeds, side)}
    for tile, points in POINTS.items():
        values = {"OUTPUT": tile, "TILE": tile + 2, "POINTS": points, "THRESHOLD": 0.0}
        with ExitStack() as patched:
            for name, value in values.items():
                patched.enter_context(mock.patch.object(winograd, name, value))
            fast = lower(graph, cpu=True)
            kernels = winograd.kernel_graph(weights, ["layer"])
        session = onnx_runtime.load().InferenceSession(
            to_proto(kernels).SerializeToString()
        )
        mapped = dict(zip(kernels.outputs, session.run(None, {}), strict=True))
        needed = {name: mapped[name] for name in fast.inputs if name in mapped}
        made[f"F({tile}×{tile})"] = _run(fast, {**feeds, **needed}, side)
    return made


def milliseconds(made: dict[str, Any], repeats: int) -> dict[str, float]:
    """Median time of each; they take turns, the first of which does not count."""
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(repeats + 1):
        for name, run in made.items():
            sleep(REST)
            began = perf_counter()
            run()
            times[name].append(1e3 * (perf_counter() - began))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.layers")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(f"{description(threads())}, {options.size} pixels, milliseconds\n")
    names = ["direct", *(f"F({tile}×{tile})" for tile in POINTS)]
    print(f"| layer | shape | C·O/(C+O) | {' | '.join(names)} | error of F(4×4) |")
    print("|---|---|---|" + "---|" * (len(names) + 1))
    for layer, channels, outputs, side in shapes(options.size):
        for gradient in (False, True):
            made = contenders(channels, outputs, side, gradient=gradient)
            found = milliseconds(made, options.repeats)
            exact, fast = made["direct"](), made["F(4×4)"]()
            error = np.linalg.norm(fast - exact) / np.linalg.norm(exact)
            columns = " | ".join(f"{found[name]:.1f}" for name in names)
            what = f"{layer} gradient" if gradient else layer
            size = f"{channels}→{outputs} at {side}²"
            ratio = channels * outputs / (channels + outputs)
            row = f"| {what} | {size} | {ratio:.0f} | {columns} | {error:.0e} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
