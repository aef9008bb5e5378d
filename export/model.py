"""Assembles the graphs of a model: evaluation and targets, in each lowering."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightstyle import contract

from . import losses, vgg, winograd
from .backward import gradient
from .cost import bytes_per_position, bytes_per_region
from .errors import ExportError
from .graph import Graph, Tensor
from .lowering import lower
from .network import LossNetwork
from .optimizer.step import descent_graph, step_graph
from .parts import PartGraphs
from .weights import Weights

#: Lowerings to export: ``auto`` for both, ``none`` for the portable one alone.
LOWERINGS = ("auto", "none")


def graphs(path: Path, network: LossNetwork, lowering: str) -> dict[Path, Graph]:
    """Build all graphs of a model.

    Args:
        path: Path of the evaluation graph.
        network: What the losses compare.
        lowering: One of `LOWERINGS`.

    Returns:
        Path → graph.
    """
    if lowering not in LOWERINGS:
        expected = " or ".join(LOWERINGS)
        raise ExportError(f"unknown lowering {lowering!r}: expected {expected}")
    made = _of_whole_pictures(path, network, cpu=False) | _optimizer(path, network)
    if lowering == "auto":
        fast = contract.cpu_path(path)
        made |= _of_whole_pictures(fast, network, cpu=True)
        made[contract.kernels_path(path)] = kernels(network.weights, made[fast])
        made |= PartGraphs(network).graphs(path)
    return made


def _optimizer(path: Path, network: LossNetwork) -> dict[Path, Graph]:
    """Build the optimiser's step, alone and with the portable evaluation."""
    made = {}
    for place, rewrite in ((path, False), (contract.webgpu_path(path), True)):
        made[contract.step_path(place)] = step_graph(rewrite=rewrite)
        descent = descent_graph(evaluation(network), rewrite=rewrite)
        made[contract.descent_path(place)] = descent
    return made


def _of_whole_pictures(
    path: Path, network: LossNetwork, *, cpu: bool
) -> dict[Path, Graph]:
    """Build the graphs of one lowering, and those for regions if there are styles."""
    made = {
        path: evaluation(network, cpu=cpu),
        contract.targets_path(path): targets(network, cpu=cpu),
    }
    if network.style_layers:
        guided = contract.guided_path(path)
        made[guided] = evaluation(network, cpu=cpu, guided=True)
        made[contract.targets_path(guided)] = targets(network, cpu=cpu, guided=True)
    return made


def costs(path: Path, made: Mapping[Path, Graph], parts: PartGraphs) -> str:
    """Return the costs of the graphs `made` for the model at `path`, as JSON.

    The form is that of `contract.META_COSTS`: bytes for each pixel of the whole
    picture, with one region and without, of what parts keep between blocks, of the
    content's features and of all activations; bytes for each position of every block's
    input; the part of these that each further region needs; multiplications of each
    block for a pixel.
    """
    fast = contract.cpu_path(path)
    guided = made.get(contract.guided_path(fast), made[fast])
    region: dict[str, Any] = {"guided": bytes_per_region(guided)}
    counted: dict[str, Any] = {
        "whole": bytes_per_position(made[fast]),
        "guided": bytes_per_position(guided),
        "between": parts.between,
        "targets": parts.targets,
        "activations": parts.activations,
        "work": parts.work,
        "region": region,
    }
    for sweep in contract.SWEEPS:
        graphs = (made.get(contract.part_path(path, n, sweep)) for n in range(1, 6))
        known = [graph for graph in graphs if graph]
        counted[sweep] = [*map(bytes_per_position, known)]
        region[sweep] = [*map(bytes_per_region, known)]
    return json.dumps(counted)


def kernels(weights: Weights, fast: Graph) -> Graph:
    """Build the graph of the mapped kernels that `fast`, lowered for CPUs, is fed."""
    prefix = contract.mapped_kernel("")
    layers = [n.removeprefix(prefix) for n in fast.inputs if n.startswith(prefix)]
    return lower(winograd.kernel_graph(weights, layers, fast.dtype))


def evaluation(
    network: LossNetwork, *, cpu: bool = False, guided: bool = False
) -> Graph:
    """Build the graph from a picture, targets and weights to losses and gradient.

    Args:
        network: What the losses compare.
        cpu: Whether to lower it for CPUs alone.
        guided: Whether it is for regions, each with its own style target.
    """
    graph, image, activations = _features(network)
    terms = []
    for layer, activation in activations.items():
        at_layer = losses.LayerLosses(graph, layer, network.weights)
        with graph.scope(layer):
            if layer in network.content_layers:
                terms.append(at_layer.content(activation))
            if layer in network.style_layers:
                guide = _guide(graph, layer, activation) if guided else None
                terms.append(at_layer.style(activation, guide))
    with graph.scope("tv"):
        terms.append(losses.total_variation(graph, image))
    # Before the gradient: ONNX Runtime runs what stands last first, and would hold the
    # features of all layers until then (VGG19 at 512 pixels: 0.92 GB instead of 0.77).
    with graph.scope("weighted"):
        weighted = losses.weighted(graph, terms)
    seeds = {partial: term.weight for term in terms for partial in term.partials}
    graph.outputs[contract.GRADIENT] = gradient(graph, seeds, image)
    for term in terms:
        graph.outputs[term.name] = losses.joined(graph, term)
    graph.outputs.update(weighted)
    return lower(graph, cpu=cpu)


def targets(network: LossNetwork, *, cpu: bool = False, guided: bool = False) -> Graph:
    """Build the graph from a picture to targets: features and Gram matrices.

    The arguments are those of `evaluation`; guided, the Gram matrices are of regions.
    """
    graph, _, activations = _features(network)
    for layer, activation in activations.items():
        with graph.scope(layer):
            if layer in network.content_layers:
                graph.outputs[contract.content_target(layer)] = activation
            if layer in network.style_layers:
                guide = _guide(graph, layer, activation) if guided else None
                at_layer = losses.LayerLosses(graph, layer, network.weights)
                gram = at_layer.normalised_gram(activation, guide)
                graph.outputs[contract.style_target(layer)] = gram
    return lower(graph, cpu=cpu)


def _features(network: LossNetwork) -> tuple[Graph, Tensor, dict[str, Tensor]]:
    """Begin a graph with a picture and the activations of all layers with losses."""
    graph = network.graph()
    image = graph.input(contract.IMAGE, (1, 3, "H", "W"))
    activations = vgg.features(
        graph, image, network.weights, network.layers, network.pooling
    )
    return graph, image, activations


def _guide(graph: Graph, layer: str, features: Tensor) -> Tensor:
    """Return the feed with the weight of each position of `layer` in each region."""
    shape = ("R", 1, *features.shape[2:])
    return graph.fed(contract.guide(contract.block(layer)), shape)
