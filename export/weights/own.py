"""Reads the weights file of a model of ours, ``MODEL.safetensors``, to build another.

Such a file is canonical already, whatever its widths are, and says where it came from.
"""

from pathlib import Path
from typing import Final

from lightstyle.contract import (
    CHANNELS,
    META_PREPROCESSING,
    META_SCHEMA,
    META_SOURCE,
    META_SOURCE_DIGEST,
)

from .canonical import Weights

_HEAD_BYTES: Final = 4096


def is_own(path: Path) -> bool:
    """Whether the file at `path`, if there is one, says that it is a model's."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{META_SCHEMA}"'.encode() in file.read(_HEAD_BYTES)


def read_own(path: Path) -> Weights:
    """Read it as it was written."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    layers = [layer for layer in CHANNELS if f"{layer}.weight" in tensors]
    return Weights(
        kernels={layer: tensors[f"{layer}.weight"] for layer in layers},
        biases={layer: tensors[f"{layer}.bias"] for layer in layers},
        mean=tensors["mean"],
        preprocessing=metadata[META_PREPROCESSING],
        source=metadata[META_SOURCE],
        digest=metadata[META_SOURCE_DIGEST],
    )
