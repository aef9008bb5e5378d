"""What the graphs of a model take in memory and work, as their exporter counted it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from .. import contract
from ..errors import ModelError

#: Bytes for each pixel of a region's weights: of the picture, and of all blocks.
GUIDE: Final = 4 * (1 + 4 / 3)


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
        guided: As `whole`, with one region.
        region: What each region more takes of `guided`.
        forward_region: The same of `forward`.
        backward_region: The same of `backward`.
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
        """Costs of pictures with so many regions; these of pictures with none."""
        if not count:
            return self
        more, guides = count - 1, count * GUIDE
        forward, backward = (
            {number: cost + more * each[number] for number, cost in costs.items()}
            for costs, each in (
                (self.forward, self.forward_region),
                (self.backward, self.backward_region),
            )
        )
        return replace(
            self,
            whole=self.guided + more * self.region,
            targets=self.targets + guides,
            forward=forward,
            backward=backward,
        )

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
                f"a graph's metadata {contract.META_COSTS} are damaged: make the model "
                "again with `lightstyle export`"
            ) from error


def _by_block(costs: Sequence[float]) -> dict[int, float]:
    return {number: float(cost) for number, cost in enumerate(costs, 1)}
