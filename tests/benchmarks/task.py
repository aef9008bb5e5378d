"""What a contender's process is told, and the arrays that it finds ready on disk.

Everything that a contender does not have to do for itself (reading foreign weights,
targets, pictures) is done before, by another process, so that neither its time nor its
memory is counted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lightstyle import Settings, contract
from lightstyle.settings.layers import LayerWeights

Array = NDArray[np.float32]

#: Weights of content and style in all benchmarks, and their loss.
CONTENT_WEIGHT: Final = 1.0
STYLE_WEIGHT: Final = 1e4
SETTINGS: Final = Settings(
    content_layers=LayerWeights.parse("conv5_2"),
    content_weight=CONTENT_WEIGHT,
    style_weight=STYLE_WEIGHT,
)

CONTENT_LAYER: Final = SETTINGS.content_layers.used[0]
STYLE_LAYERS: Final = SETTINGS.style_layers.used


@dataclass(frozen=True, kw_only=True)
class Task:
    """One contender's work.

    Attributes:
        name: What tables call it.
        side: ``lightstyle`` or ``torch``.
        network: File of the model (ONNX), or of the network's arrays for PyTorch.
        scene: File of the pictures, see `save_scene`.
        targets: File of the targets, by their names in the contract; without one they
            are computed before the first turn.
        threads: Threads of an evaluation.
        variant: PyTorch's: ``eager``, ``channels-last``, ``compile`` or ``bfloat16``.
        evaluations: How many the optimiser may use; 0 for evaluations without one, all
            of them at the start.
        frames: File to keep the picture of each turn in; empty for none.
    """

    name: str
    side: str
    network: str
    scene: str
    targets: str = ""
    threads: int
    variant: str = "eager"
    evaluations: int = 0
    frames: str = ""

    def to_json(self) -> str:
        """Text for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The task that `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, eq=False)
class Scene:
    """Start, content and style: (1, 3, H, W) each, 0…255."""

    start: Array
    content: Array
    style: Array


def save_scene(path: Path, scene: Scene) -> None:
    """Keep `scene` for `load_scene`."""
    save_arrays(path, vars(scene))


def load_scene(path: str | Path) -> Scene:
    """The pictures that `save_scene` kept."""
    return Scene(**load_arrays(path))


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays by name."""
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_arrays(path: str | Path) -> dict[str, Any]:
    """The arrays that `save_arrays` kept."""
    with np.load(path) as file:
        return dict(file)


def term_weights(height: int, width: int) -> dict[str, float]:
    """Weights of the terms of the loss for a picture of that size, by name.

    They are said here once more, not asked of the package, so that the peers' loss is
    not ours by construction.
    """
    area = contract.REFERENCE_SIDE**2 / (height * width)
    shares = SETTINGS.style_layers.shares()
    weights = {
        contract.style_loss(layer): STYLE_WEIGHT * share
        for layer, share in shares.items()
    }
    weights[contract.content_loss(CONTENT_LAYER)] = CONTENT_WEIGHT * area
    return weights
