"""Counts the memory that a graph needs, from its nodes and the shapes of its values.

A value lives from the node that makes it to the last node that reads it, as in
onnxruntime without reuse of buffers.
"""

import math
from collections.abc import Mapping
from typing import Any

from .graph import Graph, Shape, Tensor

#: Operators whose output shares the memory of their input.
_VIEWS = frozenset({"Reshape", "Flatten", "Identity", "Unsqueeze"})

#: Number of regions at which their own memory decides the peak.
_MANY = 32


def bytes_per_position(graph: Graph, regions: int = 1) -> float:
    """Return the bytes a run needs for each position of the picture or part."""
    small, large = (peak_bytes(graph, side, side, regions) for side in (256, 512))
    return (large - small) / (512**2 - 256**2)


def bytes_per_region(graph: Graph) -> float:
    """Return the bytes for each position that every further region needs at most."""
    more = bytes_per_position(graph, _MANY + 1) - bytes_per_position(graph, _MANY)
    return max(0.0, more)


def peak_bytes(graph: Graph, height: int, width: int, regions: int = 1) -> int:
    """Return the most bytes alive at once, the feeds included.

    Args:
        graph: A lowered graph.
        height: A multiple of 64.
        width: A multiple of 64.
        regions: Number of regions of a guided graph.
    """
    sizes = {"H": height, "W": width, "R": regions}
    fed = sum(_bytes(tensor, sizes) for tensor in graph.inputs.values())
    origin: dict[Tensor, Tensor] = {}
    last: dict[Tensor, int] = {}
    for index, node in enumerate(graph.nodes):
        first = node.inputs[0] if node.op in _VIEWS else node.output
        origin[node.output] = origin.get(first, first)
        for tensor in node.inputs:
            last[origin.get(tensor, tensor)] = index
    for tensor in graph.outputs.values():
        last[origin.get(tensor, tensor)] = len(graph.nodes)
    alive: dict[Tensor, int] = {}
    peak = 0
    for index, node in enumerate(graph.nodes):
        if origin[node.output] is node.output:
            alive[node.output] = _bytes(node.output, sizes)
        peak = max(peak, sum(alive.values()))
        alive = {t: n for t, n in alive.items() if last.get(t, index) > index}
    return fed + peak


def _bytes(tensor: Tensor, sizes: Mapping[str, int]) -> int:
    return tensor.dtype.itemsize * _count(tensor.shape, sizes)


def _count(shape: Shape, sizes: Mapping[str, int]) -> int:
    """Count the elements of `shape`, whose names are formulas of H, W and R."""
    names: dict[str, Any] = {**sizes, "ceil": math.ceil, "odd": 0}
    count = 1.0
    for dim in shape:
        if isinstance(dim, int):
            count *= dim
        elif "loss" not in dim:  # partial sums are few
            count *= eval(dim, {"__builtins__": {}}, names)
    return int(count)
