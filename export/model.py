"""Assembles the graphs of a model: evaluation and targets, in each lowering."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lightstyle import contract

from . import losses, vgg, winograd
from .backward import gradient
from .cost import bytes_per_position, bytes_per_region
from .errors import ExportError
from .graph import Graph, Tensor
from .lowering import lower
from .parts import PartGraphs
from .weights import Weights

#: What all graphs of a model share: network, content and style layers, pooling.
Choices = tuple[Weights, Sequence[str], Sequence[str], str]

#: Lowerings to export: ``auto`` for both, ``none`` for the portable one alone.
LOWERINGS = ("auto", "none")


def graphs(
    path: Path,
    weights: Weights,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
    pooling: str,
    lowering: str,
) -> dict[Path, Graph]:
    """Build all graphs of a model.

    Args:
        path: Path of the evaluation graph.
        weights: The network.
        content_layers: Layers with a content term.
        style_layers: Layers with a style term.
        pooling: ``max`` or ``average``.
        lowering: One of `LOWERINGS`.

    Returns:
        Path → graph.
    """
    if lowering not in LOWERINGS:
        expected = " or ".join(LOWERINGS)
        raise ExportError(f"unknown lowering {lowering!r}: expected {expected}")
    choices: Choices = (weights, content_layers, style_layers, pooling)
    made = {
        path: evaluation(*choices),
        contract.targets_path(path): targets(*choices),
    }
    made |= _guided(path, choices, cpu=False)
    if lowering == "auto":
        fast = contract.cpu_path(path)
        made[fast] = evaluation(*choices, cpu=True)
        made[contract.targets_path(fast)] = targets(*choices, cpu=True)
        made |= _guided(fast, choices, cpu=True)
        made[contract.kernels_path(path)] = kernels(weights, made[fast])
        made |= PartGraphs(*choices).graphs(path)
    return made


def _guided(path: Path, choices: Choices, *, cpu: bool) -> dict[Path, Graph]:
    """Build the graphs for pictures with regions, if there are style layers."""
    if not choices[2]:
        return {}
    guided = contract.guided_path(path)
    return {
        guided: evaluation(*choices, cpu=cpu, guided=True),
        contract.targets_path(guided): targets(*choices, cpu=cpu, guided=True),
    }


def costs(path: Path, made: Mapping[Path, Graph], parts: PartGraphs) -> str:
    """Return the costs of the graphs `made` for the model at `path`, as JSON.

    The form is that of `contract.META_COSTS`: bytes for each pixel of the whole
    picture, with one region and without, of what parts keep between blocks, and of the
    content's features; bytes for each position of every block's input; the part of
    these that each further region needs; multiplications of each block for a pixel.
    """
    fast = contract.cpu_path(path)
    guided = made.get(contract.guided_path(fast), made[fast])
    region: dict[str, Any] = {"guided": bytes_per_region(guided)}
    counted: dict[str, Any] = {
        "whole": bytes_per_position(made[fast]),
        "guided": bytes_per_position(guided),
        "kept": parts.kept,
        "targets": parts.targets,
        "work": parts.work,
        "region": region,
    }
    for sweep in (contract.FORWARD, contract.BACKWARD):
        graphs = (made.get(contract.part_path(path, n, sweep)) for n in range(1, 6))
        known = [graph for graph in graphs if graph]
        counted[sweep] = [*map(bytes_per_position, known)]
        region[sweep] = [*map(bytes_per_region, known)]
    return json.dumps(counted)


def kernels(weights: Weights, fast: Graph, dtype: DTypeLike = np.float32) -> Graph:
    """Build the graph of the mapped kernels that `fast`, lowered for CPUs, is fed."""
    prefix = contract.mapped_kernel("")
    layers = [n.removeprefix(prefix) for n in fast.inputs if n.startswith(prefix)]
    return lower(winograd.kernel_graph(weights, layers, dtype))


def evaluation(
    weights: Weights,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
    pooling: str = "max",
    dtype: DTypeLike = np.float32,
    *,
    cpu: bool = False,
    guided: bool = False,
) -> Graph:
    """Build the graph from a picture, targets and weights to losses and gradient.

    Args:
        weights: The network.
        content_layers: Layers with a content term.
        style_layers: Layers with a style term.
        pooling: ``max`` or ``average``.
        dtype: float64 only where gradients are checked on the reference evaluator.
        cpu: Whether to lower it for CPUs alone.
        guided: Whether it is for regions, each with its own style target.
    """
    check_choices(weights, content_layers, style_layers, pooling)
    graph, image = _start(dtype)
    layers = {*content_layers, *style_layers}
    activations = vgg.features(graph, image, weights, layers, pooling)
    terms = []
    for layer, activation in activations.items():
        embedding = weights.embeddings.get(layer)
        with graph.scope(layer):
            if layer in content_layers:
                terms.append(losses.content(graph, activation, layer, embedding))
            if layer in style_layers:
                guide = _guide(graph, layer, activation) if guided else None
                terms.append(losses.style(graph, activation, layer, embedding, guide))
    with graph.scope("tv"):
        terms.append(losses.total_variation(graph, image))
    seeds = {partial: term.weight for term in terms for partial in term.partials}
    graph.outputs[contract.GRADIENT] = gradient(graph, seeds, image)
    for term in terms:
        graph.outputs[term.name] = losses.joined(graph, term)
    return lower(graph, cpu=cpu)


def targets(
    weights: Weights,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
    pooling: str = "max",
    dtype: DTypeLike = np.float32,
    *,
    cpu: bool = False,
    guided: bool = False,
) -> Graph:
    """Build the graph from a picture to targets: features and Gram matrices.

    The arguments are those of `evaluation`; guided, the Gram matrices are of regions.
    """
    check_choices(weights, content_layers, style_layers, pooling)
    graph, image = _start(dtype)
    layers = {*content_layers, *style_layers}
    activations = vgg.features(graph, image, weights, layers, pooling)
    for layer, activation in activations.items():
        with graph.scope(layer):
            if layer in content_layers:
                graph.outputs[contract.content_target(layer)] = activation
            if layer in style_layers:
                embedding = weights.embeddings.get(layer)
                guide = _guide(graph, layer, activation) if guided else None
                graph.outputs[contract.style_target(layer)] = losses.normalised_gram(
                    graph, activation, layer, embedding, guide
                )
    return lower(graph, cpu=cpu)


def check_choices(
    weights: Weights,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
    pooling: str,
) -> None:
    """Check layers and pooling.

    Raises:
        ExportError: A layer is not in the network or named twice, there is no layer at
            all, or the pooling is unknown.
    """
    known = [*(weights.embeddings or weights.kernels)]
    if pooling not in contract.POOLINGS:
        expected = " or ".join(contract.POOLINGS)
        raise ExportError(f"unknown pooling {pooling!r}: expected {expected}")
    for layers in (content_layers, style_layers):
        for layer in layers:
            if layer not in known:
                raise ExportError(
                    f"no losses at layer {layer!r} with these weights: expected one of "
                    f"{', '.join(known)}"
                )
        if len(set(layers)) != len(layers):
            raise ExportError(
                f"layers {', '.join(layers)} name one twice: name each once"
            )
    if not content_layers and not style_layers:
        raise ExportError("got no layers: give at least one content or style layer")


def _guide(graph: Graph, layer: str, features: Tensor) -> Tensor:
    """Return the feed with the weight of each position of `layer` in each region."""
    shape = ("R", 1, *features.shape[2:])
    return graph.fed(contract.guide(contract.block(layer)), shape)


def _start(dtype: DTypeLike) -> tuple[Graph, Tensor]:
    graph = Graph(dtype=np.dtype(dtype))
    return graph, graph.input(contract.IMAGE, (1, 3, "H", "W"))
