"""Memory and work of a model's graphs, as their exporter counted them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from .. import contract
from ..errors import ModelError

#: Bytes for each pixel of a region's weights: those of the picture and of all blocks.
GUIDE: Final = 4 * (1 + 4 / 3)


@dataclass(frozen=True)
class Costs:
    """Costs of one model.

    Attributes:
        whole: Bytes per pixel of an evaluation of the whole picture.
        kept: Bytes per pixel that an evaluation in strips keeps between blocks.
        targets: Bytes per pixel of the content's features.
        forward: Bytes per position of a block's input that the block's graph takes in
            the forward sweep, by block.
        backward: The same for the backward sweep.
        work: Multiplications per pixel in each block's convolutions.
        guided: Like `whole`, with one region.
        region: What every further region adds to `guided`.
        forward_region: What every further region adds to `forward`.
        backward_region: What every further region adds to `backward`.
    """

    whole: float
    kept: float
    targets: float
    forward: Mapping[int, float]
    backward: Mapping[int, float]
    work: Mapping[int, float]
    guided: float
    region: float
    forward_region: Mapping[int, float]
    backward_region: Mapping[int, float]

    def of_regions(self, count: int) -> Self:
        """Return the costs of pictures with `count` regions."""
        if not count:
            return self
        more, guides = count - 1, count * GUIDE
        return replace(
            self,
            whole=self.guided + more * self.region,
            targets=self.targets + guides,
            forward=_sum(self.forward, more, self.forward_region),
            backward=_sum(self.backward, more, self.backward_region),
        )

    @classmethod
    def parse(cls, metadata: Mapping[str, str]) -> Self | None:
        """Read the costs from a model's metadata.

        Returns:
            The costs, or None if the model cannot be cut into strips.

        Raises:
            ModelError: If the metadata is damaged.
        """
        text = metadata.get(contract.META_COSTS)
        if text is None:
            return None
        try:
            values: dict[str, Any] = json.loads(text)
            region = values["region"]
            return cls(
                whole=float(values["whole"]),
                kept=float(values["kept"]),
                targets=float(values["targets"]),
                forward=_by_block(values[contract.FORWARD]),
                backward=_by_block(values[contract.BACKWARD]),
                work=_by_block(values["work"]),
                guided=float(values["guided"]),
                region=float(region["guided"]),
                forward_region=_by_block(region[contract.FORWARD]),
                backward_region=_by_block(region[contract.BACKWARD]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"a graph's metadata {contract.META_COSTS} is damaged: make the model "
                "again with `lightstyle export`"
            ) from error


def _sum(
    costs: Mapping[int, float], count: int, each: Mapping[int, float]
) -> dict[int, float]:
    """Add `count` times what `each` says to the costs of every block."""
    return {number: cost + count * each[number] for number, cost in costs.items()}


def _by_block(costs: Sequence[float]) -> dict[int, float]:
    return {number: float(cost) for number, cost in enumerate(costs, 1)}
