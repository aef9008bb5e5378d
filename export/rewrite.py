"""Copies a graph node by node and replaces some of the nodes."""

from collections.abc import Callable, Mapping

from .graph import Graph, Node, Tensor, scope_of

#: (new graph, old node, old tensor → new tensor) → output of the nodes that it appended
#: in place of the old node, or None to keep the node.
Rule = Callable[[Graph, Node, Mapping[Tensor, Tensor]], Tensor | None]


def rewritten(graph: Graph, rule: Rule) -> Graph:
    """Return a copy in which `rule` replaced nodes and unused ones are dropped."""
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
    """Drop nodes and constants that no output depends on; keep all inputs."""
    used = set(graph.outputs.values())
    kept = []
    for node in reversed(graph.nodes):
        if node.output in used:
            kept.append(node)
            used.update(node.inputs)
    graph.nodes = kept[::-1]
    names = {tensor.name for tensor in used}
    graph.constants = {n: v for n, v in graph.constants.items() if n in names}
