"""Reads the weights file of a model of ours, ``MODEL.safetensors``, to build another.

Such a file is canonical already and says where its weights came from. Its widths are
its own: they need not be VGG19's.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from lightstyle.contract import (
    CHANNELS,
    META_PREPROCESSING,
    META_SCHEMA,
    META_SOURCE,
    META_SOURCE_DIGEST,
)

from .arrays import read_header
from .canonical import Weights, canonical_weights
from .embedding import Embedding
from .preprocessing import AUTO, CAFFE, RGB
from .tensors import WeightsFile

_HEAD_BYTES: Final = 4096


def is_own(path: Path) -> bool:
    """Whether the file at `path`, if there is one, says that it is a model's."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{META_SCHEMA}"'.encode() in file.read(_HEAD_BYTES)


def read_own(path: Path) -> Weights:
    """Read it as it was written, with the checks that every file passes.

    Raises:
        WeightsError: A tensor is missing, misshapen, or not finite.
    """
    with path.open("rb") as file:
        metadata, tensors = read_header(file)
        layers = [layer for layer in CHANNELS if f"{layer}.weight" in tensors]
        kernels = {layer: tensors[f"{layer}.weight"] for layer in layers}
        opened = WeightsFile(
            source=metadata[META_SOURCE],
            kernels=kernels,
            biases={layer: tensors[f"{layer}.bias"] for layer in layers},
            family=None,
            stated=CAFFE,  # what canonical weights are like: a mean, and no scale
            order=RGB,
            mean=tensors["mean"].read().astype(np.float64),
        )
        channels = {layer: kernel.shape[0] for layer, kernel in kernels.items()}
        digest = metadata[META_SOURCE_DIGEST]
        weights = canonical_weights(opened, channels, AUTO, digest)
        embeddings = {
            layer: Embedding(
                tensors[f"{layer}.map"].read(), tensors[f"{layer}.offset"].read()
            )
            for layer in layers
            if f"{layer}.map" in tensors
        }
    return replace(
        weights, preprocessing=metadata[META_PREPROCESSING], embeddings=embeddings
    )
