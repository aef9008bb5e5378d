"""Graphs that are not in a file, on onnxruntime."""

from collections.abc import Callable, Mapping
from typing import Any

import onnxruntime

from export.graph import Graph
from export.write import to_proto

Run = Callable[[Mapping[str, Any]], dict[str, Any]]


def runner(graph: Graph) -> Run:
    """Outputs by name of a lowered `graph`, from whatever of the feeds it takes."""
    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = options.enable_mem_reuse = False  # as the run time has
    data = to_proto(graph).SerializeToString()
    session = onnxruntime.InferenceSession(data, options)

    def run(feeds: Mapping[str, Any]) -> dict[str, Any]:
        needed = {name: feeds[name] for name in graph.inputs}
        values = session.run([*graph.outputs], needed)
        return dict(zip(graph.outputs, values, strict=True))

    return run
