"""The graph under construction: tensors, nodes, names, and nothing about ONNX files.

A `Graph` is append-only, so the order of its nodes is an order of evaluation. Every
node has exactly one output; what would need a second one (indices of a pooling) has no
place in a portable gradient anyway. Names are given here and nowhere else: the scope
that is open when a node is made (``conv4_2``, ``gradient/conv4_2``), its operator, and
a counter, so that a profile or an error of onnxruntime names the layer it comes from
and the same calls always yield the same bytes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import GraphError

#: A size known when the graph is made, or the name of one that the feeds decide.
Dim = int | str
Shape = tuple[Dim, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in a graph: its name, its dtype and what is known of its shape."""

    name: str
    dtype: np.dtype[Any]
    shape: Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One operator applied to `inputs`; `attributes` are ONNX's for ONNX operators."""

    op: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    attributes: Mapping[str, Any]


@dataclass
class Graph:
    """Nodes in order of evaluation, with the inputs and constants they start from.

    `dtype` is that of every real number in the graph: float32 in a model, float64 where
    gradients are checked.
    """

    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    inputs: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    _scopes: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _tensors: dict[str, Tensor] = field(default_factory=dict)

    def input(self, name: str, shape: Sequence[Dim]) -> Tensor:
        """Declare a feed of the graph's dtype."""
        self.inputs[name] = self._register(Tensor(name, self.dtype, tuple(shape)))
        return self.inputs[name]

    def fed(self, name: str, shape: Sequence[Dim]) -> Tensor:
        """The feed called `name`, declared if it was not."""
        return self.inputs.get(name) or self.input(name, shape)

    def constant(
        self,
        value: NDArray[Any] | Sequence[float] | float,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> Tensor:
        """Add a constant; real numbers take the graph's dtype, integers become int64.

        A constant with a `name` is a weight: asked for again, it is the same tensor.
        """
        array = np.asarray(value)
        real = np.issubdtype(array.dtype, np.floating)
        array = array.astype(dtype or (self.dtype if real else np.int64))
        if name in self._tensors:
            if not np.array_equal(self.constants[name], array):
                raise GraphError(f"constant {name!r} was given two different values")
            return self._tensors[name]
        name = name or self._fresh("Constant")
        self.constants[name] = array
        return self._register(Tensor(name, array.dtype, array.shape))

    def add(
        self,
        op: str,
        inputs: Sequence[Tensor],
        shape: Sequence[Dim],
        dtype: DTypeLike | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Append a node and return its output, of the graph's dtype unless told."""
        for tensor in inputs:
            if self._tensors.get(tensor.name) is not tensor:
                raise GraphError(f"{op}: {tensor.name!r} belongs to another graph")
        kind = self.dtype if dtype is None else np.dtype(dtype)
        output = self._register(Tensor(self._fresh(op), kind, tuple(shape)))
        self.nodes.append(Node(op, tuple(inputs), output, attributes))
        return output

    def tensor(self, name: str) -> Tensor:
        """Look up the tensor called `name`."""
        return self._tensors[name]

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of all nodes made inside with `name`."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def _fresh(self, op: str) -> str:
        stem = "/".join([*self._scopes, op])
        name = ""
        while not name or name in self._tensors:  # a copied name may be there already
            self._counts[stem] += 1
            name = f"{stem}_{self._counts[stem]}"
        return name

    def _register(self, tensor: Tensor) -> Tensor:
        if tensor.name in self._tensors:
            raise GraphError(f"the name {tensor.name!r} was used twice in one graph")
        self._tensors[tensor.name] = tensor
        return tensor


def scope_of(tensor: Tensor) -> str:
    """Scope in which `tensor` was made, empty at the top."""
    return tensor.name.rpartition("/")[0]
