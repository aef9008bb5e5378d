"""``python -m tests.benchmarks.accuracy``: both lowerings against float64.

The loss and the gradient of VGG19, of eight pictures at `--size` pixels, by the
portable graph and by the one for CPUs, on onnxruntime, against float64 NumPy that
shares no arithmetic with them. Where an activation is within rounding of zero, or two
of a pooling window are within rounding of each other, masks may differ, and float32 has
no better answer; so the gradients are also compared with the float64's masks imposed.
"""

import argparse
import os
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from export import STYLE_LAYERS, model
from export.network import LossNetwork
from export.weights import Weights, read_weights
from export.write import to_proto
from lightstyle import Settings, contract, onnx_runtime
from tests.support import masks
from tests.support.networks import WEIGHTS_VARIABLE, feeds_for, loss_for, picture
from tests.support.oracles import loss_and_gradient, relative_l2, weighted_sum

CONTENT = ("conv5_2",)
PICTURES = 8


def _session(graph: Any) -> Any:
    return onnx_runtime.load().InferenceSession(to_proto(graph).SerializeToString())


class Contender:
    """A lowering, as it is and with masks fed."""

    def __init__(self, network: Weights, *, cpu: bool) -> None:
        """Make its graphs."""
        layers = (CONTENT, STYLE_LAYERS)
        plain = model.evaluation(LossNetwork(network, *layers), cpu=cpu)
        masked = masks.evaluation(network, *layers, cpu=cpu)
        self.graphs = {"as it is": plain, "masks imposed": masked}
        self.sessions = {name: _session(graph) for name, graph in self.graphs.items()}
        kernels = model.kernels(network, plain)
        values = _session(kernels).run(None, {})
        self.kernels = dict(zip(kernels.outputs, values, strict=True))

    def outputs(self, form: str, feeds: dict[str, Any]) -> dict[str, Any]:
        """All outputs, of whatever of `feeds` the graph takes."""
        graph = self.graphs[form]
        given = {
            n: v for n, v in {**feeds, **self.kernels}.items() if n in graph.inputs
        }
        values = self.sessions[form].run(None, given)
        return dict(zip(graph.outputs, values, strict=True))


def errors(network: Weights, size: int) -> dict[tuple[str, str], list[float]]:
    """For each lowering and measure, the errors of all pictures."""
    contenders = {
        "portable": Contender(network, cpu=False),
        "cpu": Contender(network, cpu=True),
    }
    shares = Settings().style_layers.shares()
    style = {layer: 1e4 * shares[layer] for layer in STYLE_LAYERS}
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(PICTURES):
        image, content, painting = (picture(size, size, 3 * seed + k) for k in range(3))
        loss = loss_for(network, content, painting, {CONTENT[0]: 1.0}, style, "max")
        terms, gradient = loss_and_gradient(image, network, loss, "max")
        feeds = {"image": image[None], **feeds_for(loss, np.float32)}
        for name, contender in contenders.items():
            for form, graph in contender.graphs.items():
                given = {**feeds, **masks.feeds(graph, image, network)}
                outputs = contender.outputs(form, given)
                error = relative_l2(outputs[contract.GRADIENT][0], gradient)
                found.setdefault((name, f"gradient, {form}"), []).append(error)
            total, exact = (weighted_sum(values, feeds) for values in (outputs, terms))
            found.setdefault((name, "loss"), []).append(abs(total / exact - 1))
        print(f"picture {seed + 1} of {PICTURES}", flush=True)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.accuracy")
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    found = errors(read_weights(options.weights), options.size)
    print(f"\nrelative error over {PICTURES} pictures of {options.size}²\n")
    print("| lowering | of | median | largest |\n|---|---|---|---|")
    for (name, what), values in found.items():
        median, largest = statistics.median(values), max(values)
        print(f"| {name} | {what} | {median:.1e} | {largest:.1e} |")


if __name__ == "__main__":
    main()
