"""``python -m tests.benchmarks.sums``: what the Gram matrix of a large picture loses.

That of conv1_1, of a picture of `--size`: in strips as an evaluation in parts makes it,
float32 inside a strip and float64 across strips, and as one float32 sum over the whole
picture; each against float64 sums over the same float32 features. The last column is
what that does to the style term between two pictures that are alike. Every fourth of
the 64 channels, since the features of all would take 3.2 GB.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export import model
from export.network import LossNetwork
from export.parts import PartGraphs
from export.weights import Weights, read_weights
from lightstyle import contract
from lightstyle.engine.strips import REACH, Tiling, cut
from lightstyle.engine.tiled import TiledModel
from tests.benchmarks.machine import description, threads
from tests.support.networks import WEIGHTS_VARIABLE, picture
from tests.support.oracles import gram, relative_l2
from tests.support.runners import runner

LAYER = "conv1_1"
ROLE = contract.part_role(1, contract.FORWARD)
CHANNELS = slice(0, 64, 4)

#: Lines of a strip, those of its neighbours included.
LINES = (64, 256, 512, 1024)


def in_strips(network: Weights, image: NDArray[np.float32], lines: int) -> Any:
    """Gram matrix in strips of so many `lines`, as the run time makes it."""
    graphs = PartGraphs(LossNetwork(network, [], [LAYER]))
    part = graphs.part(1, contract.FORWARD)
    runs = {ROLE: runner(part), contract.HEADS: runner(graphs.heads())}

    def run(role: str, feeds: Mapping[str, Any], /, *, last: bool) -> dict[str, Any]:
        return runs[role](feeds)

    targets = TiledModel(run, [], [LAYER]).targets(image, Tiling({1: lines}, {}))
    return targets[contract.style_target(LAYER)]


def at_once(network: Weights, image: NDArray[np.float32]) -> Any:
    """Gram matrix as the graph of the whole picture makes it."""
    run = runner(model.targets(LossNetwork(network, [], [LAYER]), cpu=True))
    return run({contract.IMAGE: image})[contract.style_target(LAYER)]


def exact(network: Weights, image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Gram matrix by float64 sums over float32 features."""
    run = runner(model.targets(LossNetwork(network, [LAYER], []), cpu=True))
    length, channels = image.shape[2], len(network.biases[LAYER])
    total = np.zeros((channels, channels))
    for strip in cut(length, LINES[0], REACH[1]):
        part = image[:, :, strip.start : strip.stop]
        features = run({contract.IMAGE: part})[contract.content_target(LAYER)][0]
        own = features[:, strip.first - strip.start : strip.last - strip.start]
        total += (strip.last - strip.first) / length * gram(own.astype(np.float64))
    return total


def row(name: str, lines: int, found: Any, sums: Any, target: Any) -> str:
    """Errors of a Gram matrix, and of its distance from `target`, in a table's row."""
    largest = np.max(np.abs(found - sums) / np.maximum(np.abs(sums), 1e-30))
    term, true = (float(np.sum((each - target) ** 2)) for each in (found, sums))
    return (
        f"| {name} | {lines} | {relative_l2(found, sums):.1e} | {largest:.1e} | "
        f"{abs(term / true - 1):.1e} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sums")
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--size", default="3072x4096", metavar="WxH")
    options = parser.parse_args()
    full = read_weights(options.weights)
    kernels = {LAYER: full.kernels[LAYER][CHANNELS]}
    network = replace(
        full, kernels=kernels, biases={LAYER: full.biases[LAYER][CHANNELS]}
    )
    width, height = map(int, options.size.split("x"))
    image = picture(height, width)[None]
    target = exact(network, picture(512, 512, 1)[None])
    sums = exact(network, image)
    print(f"{description(threads())}, {options.size}\n")
    print("| sums | lines | relative error | largest | style term |")
    print("|---|---|---|---|---|")
    for lines in LINES:
        found = in_strips(network, image, lines)
        print(row("in strips", lines, found, sums, target), flush=True)
    whole = at_once(network, image)
    print(row("float32 throughout", height, whole, sums, target))
    rounded = sums.astype(np.float32)
    print(row("float64, rounded once", height, rounded, sums, target))


if __name__ == "__main__":
    main()
