"""Copies a graph node by node, with other nodes in the place of some."""

from collections.abc import Callable, Mapping

from .graph import Graph, Node, Tensor, scope_of

#: Given the new graph, a node of the old one and the new tensor for each of the old,
#: appends what takes the node's place and returns its output; `None` to keep the node.
Rule = Callable[[Graph, Node, Mapping[Tensor, Tensor]], Tensor | None]


def rewritten(graph: Graph, rule: Rule) -> Graph:
    """Return a graph in which `rule` has replaced nodes, without what nothing uses."""
    result = Graph(dtype=graph.dtype)
    new: dict[Tensor, Tensor] = {}
    for name, tensor in graph.inputs.items():
        new[tensor] = result.input(name, tensor.shape)
    for name, value in graph.constants.items():
        new[graph.tensor(name)] = result.constant(value, name, value.dtype)
    for node in graph.nodes:
        with result.scope(scope_of(node.output)):
            output = rule(result, node, new)
            new[node.output] = _copied(result, node, new) if output is None else output
    result.outputs = {name: new[tensor] for name, tensor in graph.outputs.items()}
    _prune(result)
    return result


def _copied(graph: Graph, node: Node, new: Mapping[Tensor, Tensor]) -> Tensor:
    inputs, output = [new[tensor] for tensor in node.inputs], node.output
    return graph.add(node.op, inputs, output.shape, output.dtype, **node.attributes)


def _prune(graph: Graph) -> None:
    """Drop nodes and constants that no output depends on; inputs are a promise."""
    used = set(graph.outputs.values())
    kept = []
    for node in reversed(graph.nodes):
        if node.output in used:
            kept.append(node)
            used.update(node.inputs)
    graph.nodes = kept[::-1]
    names = {tensor.name for tensor in used}
    graph.constants = {n: v for n, v in graph.constants.items() if n in names}
