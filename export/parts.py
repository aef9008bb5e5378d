"""Builds the graphs that evaluate a picture in parts: four for each block of VGG19.

The loss is a function of features and of sums over positions, so it can be evaluated
exactly, strip by strip. The forward sweep keeps the pooled output of each block and the
sums of its losses. The backward sweep goes from the last block to the first and
recomputes the inside of each, unless there is memory to keep it. The graphs come from
the same builders and rules as those of the whole picture, and crop nothing: a part
includes as many rows of its neighbours as its edges make wrong (twice as many where it
is recomputed). A mask states which positions count, and a guide states their weight in
each region.

    forward     part of the block's input → its pooled output, sums, content features
    backward    the same part, gradients of these → gradient of the part, terms
    keeping     forward, with all activations
    kept        backward, from these in place of the part
    heads       sums over the whole picture → style losses and their gradients
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightstyle import contract

from . import losses, ops, vgg
from .backward import gradient
from .graph import Graph, Node, Tensor, scope_of
from .lowering import lower
from .network import LossNetwork
from .rewrite import rewritten


@dataclass
class _Block:
    """A block under construction: its input, its activations, its pooled output."""

    graph: Graph
    part: Tensor
    activations: dict[str, Tensor] = field(default_factory=dict)
    pooled: Tensor | None = None


@dataclass(frozen=True)
class PartGraphs:
    """Builds the graphs of a model's parts.

    Attributes:
        network: What the losses compare.
    """

    network: LossNetwork

    def graphs(self, path: Path) -> dict[Path, Graph]:
        """Build all graphs for the model at `path`: path → graph."""
        made = {
            contract.part_path(path, number, sweep): self.part(number, sweep)
            for number in range(1, self.count + 1)
            for sweep in contract.SWEEPS
        }
        if self.network.style_layers:
            made[contract.heads_path(path)] = self.heads()
        return made

    @property
    def between(self) -> float:
        """Bytes a pixel of the pooled outputs; their gradients reuse that memory."""
        last = {contract.block(layer): layer for layer in self._layers}
        pooled = (self._bytes(last[number]) / 4 for number in range(1, self.count))
        return sum(pooled, 0.0)

    @property
    def targets(self) -> float:
        """Bytes a pixel of the content's features."""
        return sum(map(self._bytes, self.network.content_layers), 0.0)

    @property
    def activations(self) -> float:
        """Bytes a pixel of all activations."""
        return sum(map(self._bytes, self._layers), 0.0)

    @property
    def work(self) -> list[float]:
        """Multiplications a pixel of each block's convolutions."""
        found = [0.0] * self.count
        for layer in self._layers:
            number = contract.block(layer)
            found[number - 1] += self._kernel(layer).size / 4 ** (number - 1)
        return found

    @property
    def count(self) -> int:
        """Number of blocks that the losses need."""
        return contract.block(self._layers[-1])

    @property
    def _layers(self) -> tuple[str, ...]:
        """Layers up to the deepest one with a loss."""
        return contract.needed_layers(self.network.layers)

    def _kernel(self, layer: str) -> NDArray[Any]:
        return self.network.weights.kernels[layer]

    def _bytes(self, layer: str) -> float:
        """Return the bytes of a layer's features for a pixel of the picture."""
        size = np.dtype(self.network.dtype).itemsize
        return float(size * len(self._kernel(layer)) / 4 ** (contract.block(layer) - 1))

    def part(self, number: int, sweep: str, *, cpu: bool = True) -> Graph:
        """Build the graph of block `number`, from 1, in one of `contract.SWEEPS`."""
        if sweep in (contract.FORWARD, contract.KEEPING):
            return self._forward(number, cpu=cpu, keeping=sweep == contract.KEEPING)
        graph = self._backward(number, cpu=cpu)
        if sweep == contract.BACKWARD:
            return graph
        # After lowering: which margins a pooling needs depends on its convolution.
        return _without_unread(rewritten(graph, _fed_activation))

    def _forward(self, number: int, *, cpu: bool, keeping: bool) -> Graph:
        built = self._block(number)
        graph, outputs = built.graph, built.graph.outputs
        if built.pooled is not None:
            outputs[contract.POOLED] = built.pooled
        for layer, x in built.activations.items():
            if keeping or layer in self.network.content_layers:
                outputs[contract.activation(layer)] = x
            if layer in self.network.style_layers:
                with graph.scope(layer):
                    outputs.update(
                        self._losses(graph, layer).sums(x, self._guide(graph))
                    )
        return lower(graph, cpu=cpu)

    def _backward(self, number: int, *, cpu: bool) -> Graph:
        """Build the graph of the backward sweep that computes activations anew.

        It also computes the content and total variation terms, because the feeds of
        their gradients are all they need.
        """
        built = self._block(number)
        graph, seeds = built.graph, {}
        if number == 1:
            with graph.scope("tv"):
                mask = self._mask(graph)
                term = losses.total_variation(graph, built.part)
                counted = losses.total_variation(graph, built.part, mask)
            seeds.update(dict.fromkeys(term.partials, term.weight))
            graph.outputs[term.name] = losses.joined(graph, counted)
        for layer, x in built.activations.items():
            at_layer = self._losses(graph, layer)
            with graph.scope(layer):
                if layer in self.network.content_layers:
                    mask = self._mask(graph)
                    term = at_layer.content(x)
                    counted = at_layer.content(x, mask)
                    seeds.update(dict.fromkeys(term.partials, term.weight))
                    graph.outputs[term.name] = losses.joined(graph, counted)
                if layer in self.network.style_layers:
                    for name, sums in at_layer.sums(x, self._guide(graph)).items():
                        fed = graph.input(contract.sums_gradient(name), sums.shape)
                        seeds[sums] = fed
        if built.pooled is not None:
            shape = built.pooled.shape
            seeds[built.pooled] = graph.input(contract.POOLED_GRADIENT, shape)
        graph.outputs[contract.GRADIENT] = gradient(graph, seeds, built.part)
        return lower(graph, cpu=cpu)

    def heads(self) -> Graph:
        """Build the graph from sums over the whole picture to the style losses."""
        graph = self.network.graph()
        seeds, sums = {}, []
        for layer in self.network.style_layers:
            width, at_layer = len(self._kernel(layer)), self._losses(graph, layer)
            gram = graph.input(contract.gram_sums(layer), (width, width))
            sums.append(gram)
            single = None
            if at_layer.embedding is not None:
                single = graph.input(contract.feature_sums(layer), (width, 1))
                sums.append(single)
            count = graph.input(contract.positions(layer), ())
            with graph.scope(layer):
                term, normalised = at_layer.style_of_sums(gram, single, count)
            graph.outputs[contract.normalised_gram(layer)] = normalised
            graph.outputs[term.name] = losses.joined(graph, term)
            seeds.update(dict.fromkeys(term.partials, term.weight))
        for tensor in sums:
            name = contract.sums_gradient(tensor.name)
            graph.outputs[name] = gradient(graph, seeds, tensor)
        return lower(graph)

    def _block(self, number: int) -> _Block:
        graph = self.network.graph()
        layers = [name for name in self._layers if contract.block(name) == number]
        channels = self._kernel(layers[0]).shape[1]
        part = graph.input(contract.PART, (1, channels, "H", "W"))
        x = vgg.centred(graph, part, self.network.weights) if number == 1 else part
        built = _Block(graph, part)
        for layer in layers:
            x = vgg.convolved(graph, x, self.network.weights, layer)
            built.activations[layer] = x
        if number < self.count:
            with graph.scope(f"pool{number}"):
                built.pooled = ops.pool(graph, x, self.network.pooling)
        return built

    def _mask(self, graph: Graph) -> Tensor:
        return graph.fed(contract.PART_MASK, (1, 1, "H", "W"))

    def _guide(self, graph: Graph) -> Tensor:
        return graph.fed(contract.PART_GUIDE, ("R", 1, "H", "W"))

    def _losses(self, graph: Graph, layer: str) -> losses.LayerLosses:
        return losses.LayerLosses(graph, layer, self.network.weights)


def _fed_activation(
    graph: Graph, node: Node, new: Mapping[Tensor, Tensor]
) -> Tensor | None:
    """Feed what a layer's ReLU computes; what leads there is then dropped."""
    if node.op != "Relu":
        return None
    return graph.fed(contract.activation(scope_of(node.output)), node.output.shape)


def _without_unread(graph: Graph) -> Graph:
    """Drop the feeds that no node reads."""
    read = {tensor for node in graph.nodes for tensor in node.inputs}
    graph.inputs = {name: fed for name, fed in graph.inputs.items() if fed in read}
    return graph
