"""Graphs that are not in a file, on onnxruntime."""

from collections.abc import Callable, Mapping
from typing import Any

from export.graph import Graph
from export.write import to_proto
from lightstyle import onnx_runtime

Run = Callable[[Mapping[str, Any]], dict[str, Any]]


def runner(graph: Graph) -> Run:
    """Outputs by name of a lowered `graph`, from whatever of the feeds it takes."""
    options = onnx_runtime.load().SessionOptions()
    options.enable_mem_pattern = options.enable_mem_reuse = False  # as the run time has
    data = to_proto(graph).SerializeToString()
    session = onnx_runtime.load().InferenceSession(data, options)

    def run(feeds: Mapping[str, Any]) -> dict[str, Any]:
        needed = {name: feeds[name] for name in graph.inputs}
        values = session.run([*graph.outputs], needed)
        return dict(zip(graph.outputs, values, strict=True))

    return run
