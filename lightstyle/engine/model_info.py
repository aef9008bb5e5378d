"""A model's description of itself, and the check that its weights match."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from .. import contract
from ..digest import sha256_of
from ..errors import ModelError
from ..settings.scalars import digest, one_of
from ..settings.typed import parse

_Layer = Annotated[str, one_of(contract.LAYERS)]


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
    content_layers: tuple[_Layer, ...]
    style_layers: tuple[_Layer, ...]
    pooling: Annotated[str, one_of(contract.POOLINGS)]
    preprocessing: str
    source: str
    weights_digest: Annotated[str, digest()]
    generator: str
    role: str

    def __post_init__(self) -> None:
        """Check the layers.

        Raises:
            ValueError: If there is none, or one twice.
        """
        for layers in (self.content_layers, self.style_layers):
            if len(layers) != len(set(layers)):
                raise ValueError(f"layers {','.join(layers)} hold one twice")
        if not self.content_layers and not self.style_layers:
            raise ValueError("there are no layers")

    @property
    def blocks(self) -> int:
        """Number of VGG blocks up to the deepest layer."""
        return max(map(contract.block, (*self.content_layers, *self.style_layers)))


#: Key of the metadata that holds each attribute.
_KEYS: Final = {
    "content_layers": contract.META_CONTENT_LAYERS,
    "style_layers": contract.META_STYLE_LAYERS,
    "pooling": contract.META_POOLING,
    "preprocessing": contract.META_PREPROCESSING,
    "source": contract.META_SOURCE,
    "weights_digest": contract.META_WEIGHTS_DIGEST,
    "generator": contract.META_GENERATOR,
    "role": contract.META_ROLE,
}


def read_info(path: Path, metadata: Mapping[str, str]) -> ModelInfo:
    """Read the description of the model at `path` from its graphs' metadata.

    Raises:
        ModelError: If something is missing or cannot be.
    """
    values: dict[str, Any] = {"path": path}
    for name, key in _KEYS.items():
        if key not in metadata:
            raise ModelError(
                f"model {path} lacks the metadata {key!r}: make it again with "
                "`lightstyle export`"
            )
        values[name] = metadata[key]
        if name.endswith("_layers"):
            values[name] = [*filter(None, metadata[key].split(","))]
    try:
        info: ModelInfo = parse(ModelInfo, values, "metadata", {Path: lambda _: path})
    except ValueError as error:
        raise ModelError(
            f"model {path} is damaged: {error}; make it again with `lightstyle export`"
        ) from error
    return info


def check_weights(info: ModelInfo) -> None:
    """Check that a model's weights file is the one that its graphs were made for.

    Raises:
        ModelError: If it is not.
    """
    path = contract.weights_path(info.path)
    try:
        found = sha256_of(path)
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror}") from error
    if found != info.weights_digest:
        raise ModelError(
            f"weights {path} have SHA-256 {found[:12]}…, expected "
            f"{info.weights_digest[:12]}… of {info.path.name}: one of the two files "
            "was changed; make the model again with `lightstyle export`"
        )
