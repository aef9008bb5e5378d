"""What a model says of itself, and whether its weights are the ones it speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from .. import contract
from ..errors import ModelError


@dataclass(frozen=True)
class ModelInfo:
    """What a model says of itself."""

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
    """What the graphs of the model at `path` say in their `metadata`.

    Raises:
        ModelError: If they lack something.
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
    """Check that a model's weights are those that its graphs were made for.

    Raises:
        ModelError: If they are not.
    """
    path = contract.weights_path(info.path)
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    if digest != info.weights_digest:
        raise ModelError(
            f"weights {path} have SHA-256 {digest[:12]}…, expected "
            f"{info.weights_digest[:12]}… of {info.path.name}: one of the two files "
            "was changed; make the model again with `lightstyle export`"
        )
