"""Builds Lightstyle models: weights in, ONNX graphs with their gradients out.

The package is called `export` in a checkout and `lightstyle.export` where it was
installed, so all imports inside it are relative. README.md describes what it imports
of `lightstyle`, and how a network goes through it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightstyle import contract
from lightstyle.contract import SCHEMA, VERSION

from .errors import ExportError, OutputError
from .model import LOWERINGS, costs, graphs
from .network import CONTENT_LAYERS, STYLE_LAYERS, LossNetwork
from .parts import PartGraphs
from .weights import Weights, read_weights
from .write import write_model

__all__ = [
    "CONTENT_LAYERS",
    "LOWERINGS",
    "SCHEMA",
    "STYLE_LAYERS",
    "ExportError",
    "build_model",
    "export_model",
    "main",
]


def export_model(
    weights: Path,
    output: Path,
    *,
    preprocessing: str = "auto",
    reduce: Path | None = None,
    **choices: Any,
) -> None:
    """Build a model from a file of weights and write it.

    Args:
        weights: VGG19 in any of the formats of `weights.formats`.
        output: Path of the evaluation graph; the other files go beside it.
        preprocessing: ``caffe``, ``torchvision``, or ``auto`` to recognise it.
        reduce: A folder of pictures. If given, the network is narrowed on them and
            its weights are stored in 16 bits.
        choices: Layers, pooling and lowering, as for `build_model`.

    Raises:
        ExportError: The weights or a choice is invalid.
        OutputError: A file cannot be written, or would replace another file.
    """
    for place in (*contract.graph_paths(output), contract.weights_path(output)):
        if place.exists() and weights.exists() and place.samefile(weights):
            raise OutputError(
                f"cannot write {place}: it is the weights file given; choose another "
                "output"
            )
    network = read_weights(weights, preprocessing)
    if reduce is not None:
        from .narrowing import narrowed

        network = narrowed(network, reduce).halved()
    build_model(network, output, **choices)


def build_model(
    network: Weights,
    output: Path,
    *,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
    pooling: str = "max",
    lowering: str = LOWERINGS[0],
) -> None:
    """Build a model from a network and write it.

    Args:
        network: VGG19, or a network of its depth.
        output: Path of the evaluation graph; the other files go beside it.
        content_layers: Layers with a content loss.
        style_layers: Layers with a style loss.
        pooling: ``max`` or ``average``.
        lowering: ``auto`` for the portable graphs and those that are fast on CPUs;
            ``none`` for the portable graphs alone.

    Raises:
        ExportError: A choice is invalid.
        OutputError: A file cannot be written, or would replace another file.
    """
    others = {
        word for graph in contract.graph_paths(Path("m.onnx")) for word in _words(graph)
    }
    if found := others & {*_words(output)}:
        raise ExportError(
            f"output {output}: names with .{min(found)} are those of a model's other "
            "graphs; choose another"
        )
    metadata = {
        contract.META_SCHEMA: str(SCHEMA),
        contract.META_CONTENT_LAYERS: ",".join(content_layers),
        contract.META_STYLE_LAYERS: ",".join(style_layers),
        contract.META_POOLING: pooling,
        contract.META_PREPROCESSING: network.preprocessing,
        contract.META_SOURCE: network.source,
        contract.META_SOURCE_DIGEST: network.digest,
        contract.META_GENERATOR: f"lightstyle {VERSION}",
    }
    losses_at = LossNetwork(network, content_layers, style_layers, pooling)
    made = graphs(output, losses_at, lowering)
    if lowering != "none":
        metadata[contract.META_COSTS] = costs(output, made, PartGraphs(losses_at))
    write_model(output, made, network.tensors(), metadata)


def _words(path: Path) -> list[str]:
    """Return what distinguishes a graph's name from that of its model."""
    return path.stem.split(".")[1:]


def main(arguments: Sequence[str]) -> int:
    """Run the exporter's command line and return its exit code."""
    from .cli import run

    return run(arguments)
