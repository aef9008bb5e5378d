"""What a graph needs in memory at a size, counted on the graph itself.

Every value lives from the node that makes it to the last that reads it, as onnxruntime
has it when it is told not to reuse buffers.
"""

import math
from collections.abc import Mapping
from typing import Any

from .graph import Graph, Shape, Tensor

#: Operators whose output is their input by another name.
_VIEWS = frozenset({"Reshape", "Flatten", "Identity", "Unsqueeze"})

#: So many regions that what each of them takes decides the peak.
_MANY = 32


def bytes_per_position(graph: Graph, regions: int = 1) -> float:
    """Bytes that a run takes for each position of the picture or part it is given."""
    small, large = (peak_bytes(graph, side, side, regions) for side in (256, 512))
    return (large - small) / (512**2 - 256**2)


def bytes_per_region(graph: Graph) -> float:
    """Bytes for each position that a region more than one takes, at the most."""
    more = bytes_per_position(graph, _MANY + 1) - bytes_per_position(graph, _MANY)
    return max(0.0, more)


def peak_bytes(graph: Graph, height: int, width: int, regions: int = 1) -> int:
    """The most that is alive at once, what is fed included.

    Sides are multiples of 64.
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
    """Elements of `shape`, whose names are made of H, W and R."""
    names: dict[str, Any] = {**sizes, "ceil": math.ceil, "odd": 0}
    count = 1.0
    for dim in shape:
        if isinstance(dim, int):
            count *= dim
        elif "loss" not in dim:  # partial sums are few
            count *= eval(dim, {"__builtins__": {}}, names)
    return int(count)
