"""Holds a graph under construction: tensors, nodes and names, no ONNX protos.

A `Graph` is append-only, so its nodes are in order of evaluation. Every node has one
output; the operators with a second one (indices of a max pooling) are not portable.
All names are given here: the open scope (``conv4_2``, ``gradient/conv4_2``), the
operator, and a counter. A profile or an error of onnxruntime therefore names the layer,
and the same calls always produce the same bytes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import GraphError

#: A size known when the graph is made, or the name of a size that the feeds decide.
Dim = int | str
Shape = tuple[Dim, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in a graph: its name, its dtype and its shape, as far as it is known."""

    name: str
    dtype: np.dtype[Any]
    shape: Shape


@dataclass(frozen=True, eq=False)
class Node:
    """An operator applied to `inputs`, with the attributes that ONNX defines for it."""

    op: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    attributes: Mapping[str, Any]


@dataclass
class Graph:
    """Nodes in order of evaluation, with the inputs and constants they start from.

    Attributes:
        dtype: Of every real number in the graph: float32 in a model, float64 where
            gradients are checked.
        inputs: Feeds by name.
        constants: Values of the constants by name.
        nodes: Each after the nodes whose outputs it reads.
        outputs: Tensors by the name that the file gives them.
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
        """Return the feed called `name`; declare it first if it is new."""
        return self.inputs.get(name) or self.input(name, shape)

    def constant(
        self,
        value: NDArray[Any] | Sequence[float] | float,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> Tensor:
        """Add a constant; real numbers take the graph's dtype, integers become int64.

        A constant with a `name` is a weight: a second call returns the same tensor.
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
        """Append a node and return its output, by default of the graph's dtype."""
        for tensor in inputs:
            if self._tensors.get(tensor.name) is not tensor:
                raise GraphError(f"{op}: {tensor.name!r} belongs to another graph")
        kind = self.dtype if dtype is None else np.dtype(dtype)
        output = self._register(Tensor(self._fresh(op), kind, tuple(shape)))
        self.nodes.append(Node(op, tuple(inputs), output, attributes))
        return output

    def tensor(self, name: str) -> Tensor:
        """Return the tensor called `name`."""
        return self._tensors[name]

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of the nodes made inside the block with `name`."""
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
    """Return the scope in which `tensor` was made; empty outside all scopes."""
    return tensor.name.rpartition("/")[0]
