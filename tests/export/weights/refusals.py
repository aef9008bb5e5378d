"""How a file of weights is refused, and code that must not run while it is read."""

from pathlib import Path
from typing import Any

import pytest

from export.errors import WeightsError
from export.weights import read_weights
from tests.export.weights import writers
from tests.export.weights.writers import TINY

NETWORK = writers.tiny_network(9)
STATE = writers.torchvision_state(NETWORK)


def refusal(path: Path, preprocessing: str = "auto") -> str:
    """Why `path` is refused, in the one line that names it."""
    with pytest.raises(WeightsError) as caught:
        read_weights(path, preprocessing, TINY)
    line = str(caught.value)
    assert line.isprintable()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))
