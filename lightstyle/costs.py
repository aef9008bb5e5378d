"""What the graphs of a model take in memory and work, as their exporter counted it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from . import contract
from .errors import ModelError


@dataclass(frozen=True)
class Costs:
    """Of one model.

    Attributes:
        whole: Bytes for each pixel, of an evaluation of the whole picture.
        kept: Bytes for each pixel that an evaluation in parts keeps between blocks.
        targets: Bytes for each pixel of the content's features.
        forward: Bytes for each position of a block's input, of its graph in that sweep.
        backward: The same of the other sweep.
        work: Multiplications for each pixel, of each block's convolutions.
    """

    whole: float
    kept: float
    targets: float
    forward: Mapping[int, float]
    backward: Mapping[int, float]
    work: Mapping[int, float]

    @classmethod
    def parse(cls, metadata: Mapping[str, str]) -> Self | None:
        """Costs of the model that has `metadata`; none if it cannot be cut.

        Raises:
            ModelError: If the metadata are not what an exporter writes.
        """
        text = metadata.get(contract.META_COSTS)
        if text is None:
            return None
        try:
            values: dict[str, Any] = json.loads(text)
            whole, kept, targets = (
                float(values[name]) for name in ("whole", "kept", "targets")
            )
            forward, backward, work = (
                {number: float(cost) for number, cost in enumerate(values[name], 1)}
                for name in (contract.FORWARD, contract.BACKWARD, "work")
            )
            return cls(whole, kept, targets, forward, backward, work)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"a graph's metadata {contract.META_COSTS} are damaged: make the model "
                "again with `lightstyle export`"
            ) from error
