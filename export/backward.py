"""Reverse-mode differentiation of a graph, by appending the gradient's nodes to it.

The sweep is the textbook one (Griewank and Walther, "Evaluating Derivatives", 2008,
section 3.2), on a graph without values: it visits only the nodes that lie on a path
from the image to a loss, so weights never get gradients, and it works out no cotangent
that nothing asks for. What each operator does with a cotangent is in `rules`.

Prior art: onnx-ad, onnxsim's graph_grad and onnax differentiate ONNX graphs in general.
This one knows a dozen operators, and leaves to `lowering` in which ONNX form each
gradient is computed.
"""

from collections.abc import Mapping

from . import ops
from .errors import GraphError, NoGradientError
from .graph import Graph, Node, Tensor, scope_of
from .rules import CONSTANT, RULES, Rule, unbroadcast


def gradient(graph: Graph, seeds: Mapping[Tensor, Tensor], wrt: Tensor) -> Tensor:
    """Append ∂(Σ over seeds of ⟨cotangent, output⟩)/∂wrt to `graph` and return it.

    Args:
        graph: The forward graph; the new nodes go to its end, each in the scope
            ``gradient/…`` of the forward node it belongs to.
        seeds: For each output that counts, the cotangent it starts with: a tensor of
            its shape, or one that broadcasts to it, such as a scalar weight.
        wrt: The input to differentiate with respect to.

    Raises:
        NoGradientError: If a path from `wrt` to a seed meets an operator, or an input
            of one, that `rules` has no gradient for.
        GraphError: If no path leads from `wrt` to any seed.
    """
    active = _reached_from(graph, wrt)
    cotangents: dict[Tensor, Tensor] = {}
    for output, seed in seeds.items():
        if output in active:
            cotangents[output] = seed
    for node in reversed(graph.nodes.copy()):
        g = cotangents.pop(node.output, None)
        if g is None:
            continue
        with graph.scope(f"gradient/{scope_of(node.output)}".rstrip("/")):
            for index, tensor in enumerate(node.inputs):
                if tensor in active:
                    passed = _rule(node, index)(graph, node, g)
                    _accumulate(graph, cotangents, tensor, passed)
    if wrt not in cotangents or cotangents[wrt].shape != wrt.shape:
        raise GraphError(f"nothing with a seed depends on all of {wrt.name!r}")
    return cotangents[wrt]


def _reached_from(graph: Graph, wrt: Tensor) -> set[Tensor]:
    """All tensors that vary with `wrt`."""
    reached = {wrt}
    for node in graph.nodes:
        if node.op not in CONSTANT and not reached.isdisjoint(node.inputs):
            reached.add(node.output)
    return reached


def _rule(node: Node, index: int) -> Rule:
    rules = RULES.get(node.op, ())
    rule = rules[index] if index < len(rules) else None
    if rule is None:
        raise NoGradientError(
            f"no gradient rule for input {index} ({node.inputs[index].name}) of "
            f"operator {node.op} ({node.output.name}): add one to export/rules.py"
        )
    return rule


def _accumulate(
    graph: Graph, cotangents: dict[Tensor, Tensor], tensor: Tensor, g: Tensor
) -> None:
    g = unbroadcast(graph, g, tensor)
    have = cotangents.get(tensor)
    cotangents[tensor] = g if have is None else ops.add(graph, have, g)
