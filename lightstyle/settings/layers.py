"""The layers of a loss with their relative weights."""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from ..contract import LAYERS
from ..errors import UsageError
from ..text import printable, shown
from .scalars import checked, number


class LayerWeights(Mapping[str, float]):
    """An immutable mapping from layers to weights, in the order they were given.

    `str` gives the form that `parse` reads.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        """Check the weights.

        Raises:
            UsageError: If a layer is unknown, a weight is negative or not finite, or
                no weight is above 0.
        """
        if not isinstance(weights, Mapping):
            raise UsageError(
                f"weights is {shown(weights)}, expected a mapping from layers to "
                'numbers, such as {"conv4_2": 1}'
            )
        for layer in weights:
            if layer not in LAYERS:
                raise UsageError(
                    f"layer {printable(str(layer), 80)} is unknown, expected one of "
                    f"{', '.join(LAYERS)}"
                )
        self._weights: dict[str, float] = {
            layer: checked(f"the weight of layer {layer}", number(0), weight)
            for layer, weight in weights.items()
        }
        if not 0 < sum(self._weights.values()) < math.inf:
            raise UsageError(
                f"got weights {shown(self._weights)}, expected at least one with a "
                "weight above 0, and a finite sum"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``conv1_1:0.5,conv2_1`` (no weight means 1).

        Raises:
            UsageError: If a layer is given twice, or the constructor refuses the
                weights.
        """
        if not isinstance(text, str):
            raise UsageError(f"layers is {shown(text)}, expected a text")
        weights: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            layer, _, number = (side.strip() for side in part.partition(":"))
            if layer in weights:
                raise UsageError(f"layer {layer} is given twice in {shown(text)}")
            weights[layer] = number or 1.0
            with suppress(ValueError):  # the constructor refuses what is no number
                weights[layer] = float(weights[layer])
        return cls(weights)

    @property
    def used(self) -> tuple[str, ...]:
        """Layers with a positive weight, in the network's order."""
        return tuple(layer for layer in LAYERS if self._weights.get(layer, 0) > 0)

    def shares(self) -> dict[str, float]:
        """Return the weights divided by their sum, without layers of weight 0."""
        total = sum(self._weights.values())
        return {layer: self._weights[layer] / total for layer in self.used}

    def __getitem__(self, layer: str) -> float:
        return self._weights[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __hash__(self) -> int:
        return hash(frozenset(self._weights.items()))

    def __str__(self) -> str:
        return ",".join(f"{name}:{w!r}".removesuffix(".0") for name, w in self.items())

    def __repr__(self) -> str:
        return f"LayerWeights.parse({str(self)!r})"
