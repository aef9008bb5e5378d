"""A model's description of itself, and the check that its weights match."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import contract
from ..digest import sha256_of
from ..errors import ModelError


@dataclass(frozen=True)
class ModelInfo:
    """A model's description of itself.

    Attributes:
        path: Path of the evaluation graph.
        content_layers: Layers with a content term.
        style_layers: Layers with a style term.
        pooling: ``max`` or ``average``.
        preprocessing: What the network does with the pixels first.
        source: The weights' origin.
        weights_digest: SHA-256 of the weights file.
        generator: The program that built the model, with its version.
        role: Role of the graph that was read.
    """

    path: Path
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    pooling: str
    preprocessing: str
    source: str
    weights_digest: str
    generator: str
    role: str


def read_info(path: Path, metadata: Mapping[str, str]) -> ModelInfo:
    """Read the description of the model at `path` from its graphs' metadata.

    Raises:
        ModelError: If something is missing.
    """

    def layers(key: str) -> tuple[str, ...]:
        return tuple(filter(None, metadata[key].split(",")))

    try:
        return ModelInfo(
            path,
            layers(contract.META_CONTENT_LAYERS),
            layers(contract.META_STYLE_LAYERS),
            metadata[contract.META_POOLING],
            metadata[contract.META_PREPROCESSING],
            metadata[contract.META_SOURCE],
            metadata[contract.META_WEIGHTS_DIGEST],
            metadata[contract.META_GENERATOR],
            metadata[contract.META_ROLE],
        )
    except KeyError as error:
        raise ModelError(
            f"model {path} lacks the metadata {error}: make it again with "
            "`lightstyle export`"
        ) from error


def check_weights(info: ModelInfo) -> None:
    """Check that a model's weights file is the one that its graphs were made for.

    Raises:
        ModelError: If it is not.
    """
    path = contract.weights_path(info.path)
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror}") from error
    if digest != info.weights_digest:
        raise ModelError(
            f"weights {path} have SHA-256 {digest[:12]}…, expected "
            f"{info.weights_digest[:12]}… of {info.path.name}: one of the two files "
            "was changed; make the model again with `lightstyle export`"
        )
