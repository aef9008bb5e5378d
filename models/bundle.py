"""Builds the bundled model, models/vgg19-lite.onnx, from the result of distill.py.

    python models/bundle.py VGG19 WORK/model.npz

VGG19 is the file of weights that was distilled; the model names it as its source. The
same files give the same bytes.

    python models/bundle.py

builds the graphs anew, after a change of the exporter, from the weights that are there.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

if __name__ == "__main__":
    # Run as a script, python looks for modules in the folder of the script.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export import build_model
from export.weights import Embedding, Weights, read_weights
from lightstyle.contract import (
    CHANNELS,
    META_PREPROCESSING,
    META_SOURCE,
    META_SOURCE_DIGEST,
    weights_path,
)
from lightstyle.model_folder import BUNDLED_MODEL

#: Attribution that the licence of the weights, CC BY 4.0, requires.
SOURCE = (
    "VGG19 by Karen Simonyan and Andrew Zisserman (CC BY 4.0), "
    "narrowed and distilled by Lightstyle"
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser("bundle.py", description=__doc__)
    parser.add_argument("made_of", nargs="*", type=Path, metavar="VGG19 MODEL.npz")
    folder = Path(__file__).parent
    parser.add_argument("-o", dest="output", type=Path, default=folder)
    options = parser.parse_args()
    if len(options.made_of) not in (0, 2):
        parser.error("give both files, or neither to build the graphs anew")
    if options.made_of:
        weights, model = options.made_of
        with np.load(model) as tensors:
            network = bundled(dict(tensors), read_weights(weights))
    else:
        network = shipped(folder / f"{BUNDLED_MODEL}.onnx")
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


def shipped(model: Path) -> Weights:
    """Return the network of a model, with what its graphs say of where it is from."""
    entries = onnx.load(model, load_external_data=False).metadata_props
    metadata = {entry.key: entry.value for entry in entries}
    return replace(
        read_weights(weights_path(model)),
        preprocessing=metadata[META_PREPROCESSING],
        source=metadata[META_SOURCE],
        digest=metadata[META_SOURCE_DIGEST],
    )


if __name__ == "__main__":
    main()
