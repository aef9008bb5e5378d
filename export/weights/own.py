"""Reads the weights of a model that this exporter wrote, to build another from them.

``MODEL.safetensors`` is in canonical form and says where its weights came from. Its
layers may be narrower than VGG19's.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from lightstyle import contract

from ..errors import WeightsError
from .canonical import Weights, canonical_weights
from .embedding import Embedding
from .preprocessing import AUTO, CAFFE, RGB
from .safetensors import read_header
from .tensors import WeightsFile

_HEAD_BYTES: Final = 4096


def is_own(path: Path) -> bool:
    """Tell whether `path` is a file whose metadata say that it is a model's."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{contract.META_SCHEMA}"'.encode() in file.read(_HEAD_BYTES)


def read_own(path: Path) -> Weights:
    """Read a model's weights as they were written, checked like those of any file.

    Raises:
        WeightsError: A tensor is missing, misshapen, or not finite.
    """
    with path.open("rb") as file:
        metadata, tensors = read_header(file)
        layers = [layer for layer in contract.CHANNELS if f"{layer}.weight" in tensors]
        for layer, expected in zip(layers, contract.CHANNELS, strict=False):
            if layer != expected:
                raise WeightsError(
                    f"{expected}'s kernel is missing, {layer}'s is there"
                )
        kernels = {layer: tensors[f"{layer}.weight"] for layer in layers}
        opened = WeightsFile(
            source=metadata[contract.META_SOURCE],
            kernels=kernels,
            biases={layer: tensors[f"{layer}.bias"] for layer in layers},
            family=None,
            stated=CAFFE,  # canonical weights subtract a mean and have no scale
            order=RGB,
            mean=tensors["mean"].read().astype(np.float64),
        )
        channels = {layer: kernel.shape[0] for layer, kernel in kernels.items()}
        digest = metadata[contract.META_SOURCE_DIGEST]
        weights = canonical_weights(opened, channels, AUTO, digest)
        embeddings = {
            layer: Embedding(
                tensors[f"{layer}.map"].read(), tensors[f"{layer}.offset"].read()
            )
            for layer in layers
            if f"{layer}.map" in tensors
        }
    return replace(
        weights,
        preprocessing=metadata[contract.META_PREPROCESSING],
        embeddings=embeddings,
    )
