"""Builds the bundled model, models/vgg19-lite.onnx, from the result of distill.py.

    python models/bundle.py VGG19 WORK/model.npz

VGG19 is the file of weights that was distilled; the model names it as its source. The
same files give the same bytes.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    # Run as a script, python looks for modules in the folder of the script.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export import build_model
from export.weights import Embedding, Weights, read_weights
from lightstyle.contract import BUNDLED_MODEL, CHANNELS

#: Attribution that the licence of the weights, CC BY 4.0, requires.
SOURCE = (
    "VGG19 by Karen Simonyan and Andrew Zisserman (CC BY 4.0), "
    "narrowed and distilled by Lightstyle"
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser("bundle.py", description=__doc__)
    parser.add_argument("weights", type=Path, help="file of VGG19 weights")
    parser.add_argument("model", type=Path, help="result of distill.py, an .npz file")
    folder = Path(__file__).parent
    parser.add_argument("-o", dest="output", type=Path, default=folder)
    options = parser.parse_args()
    with np.load(options.model) as tensors:
        network = bundled(dict(tensors), read_weights(options.weights))
    build_model(network.halved(), options.output / f"{BUNDLED_MODEL}.onnx")


def bundled(tensors: dict[str, Any], wide: Weights) -> Weights:
    """Return the network in the arrays of distill.py, with the metadata of `wide`."""
    layers = [layer for layer in CHANNELS if f"{layer}.weight" in tensors]
    return replace(
        wide,
        kernels={layer: tensors[f"{layer}.weight"] for layer in layers},
        biases={layer: tensors[f"{layer}.bias"] for layer in layers},
        source=SOURCE,
        embeddings={
            layer: Embedding(tensors[f"{layer}.E"], tensors[f"{layer}.e"])
            for layer in layers
            if f"{layer}.E" in tensors
        },
    )


if __name__ == "__main__":
    main()
