"""Reads the weights of a model that this exporter wrote, to build another from them.

``MODEL.safetensors`` is in canonical form and says where its weights came from. Its
layers may be narrower than VGG19's.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightstyle import contract

from ..errors import WeightsError
from .canonical import Weights, canonical_weights
from .embedding import Embedding
from .preprocessing import AUTO, CAFFE, RGB, check_stated
from .safetensors import read_header
from .tensors import LazyTensor, WeightsFile, require_finite

_HEAD_BYTES: Final = 4096

#: Most characters of what the metadata say: graphs repeat it.
_LONGEST: Final = 1000


def is_own(path: Path) -> bool:
    """Tell whether `path` is a file whose metadata say that it is a model's."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{contract.META_SCHEMA}"'.encode() in file.read(_HEAD_BYTES)


def read_own(path: Path) -> Weights:
    """Read a model's weights as they were written, checked like those of any file.

    Raises:
        WeightsError: A tensor is missing, misshapen, or not finite, or the network is
            wider than VGG19.
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
        channels = {layer: kernel.shape[0] for layer, kernel in kernels.items()}
        for layer, count in channels.items():
            if not 0 < count <= contract.CHANNELS[layer]:
                raise WeightsError(
                    f"{layer} has {count} channels, VGG19's has "
                    f"{contract.CHANNELS[layer]}"
                )
        opened = WeightsFile(
            source=_text(metadata, contract.META_SOURCE),
            kernels=kernels,
            biases={layer: tensors[f"{layer}.bias"] for layer in layers},
            family=None,
            stated=CAFFE,  # canonical weights subtract a mean and have no scale
            order=RGB,
            mean=_values(tensors, "mean", (3,)).astype(np.float64),
        )
        digest = _text(metadata, contract.META_SOURCE_DIGEST)
        weights = canonical_weights(opened, channels, AUTO, digest)
        embeddings = {
            layer: _embedding(tensors, layer, channels[layer])
            for layer in layers
            if f"{layer}.map" in tensors
        }
    stated = _text(metadata, contract.META_PREPROCESSING)
    check_stated(stated)
    return replace(weights, preprocessing=stated, embeddings=embeddings)


def _text(metadata: Mapping[str, str], key: str) -> str:
    text = metadata[key]
    if len(text) > _LONGEST:
        raise WeightsError(f"its {key} has more than {_LONGEST} characters")
    return text


def _values(
    tensors: Mapping[str, LazyTensor], name: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    if tensors[name].shape != shape:
        raise WeightsError(f"{name} has shape {tensors[name].shape}, expected {shape}")
    return tensors[name].read()


def _embedding(tensors: Mapping[str, LazyTensor], layer: str, count: int) -> Embedding:
    """Return the map from a layer's `count` features to VGG19's."""
    wide = contract.CHANNELS[layer]
    made = Embedding(
        _values(tensors, f"{layer}.map", (wide, count)),
        _values(tensors, f"{layer}.offset", (wide,)),
    )
    with np.errstate(all="ignore"):  # what is not finite is refused just below
        for part, values in made.tensors().items():
            require_finite(f"{layer}.{part}", values)
    return made
