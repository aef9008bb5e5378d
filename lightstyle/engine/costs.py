"""Memory and work of a model's graphs, as their exporter counted them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Self

from .. import contract
from ..errors import ModelError
from ..settings.scalars import LONGEST, number
from ..settings.typed import loads, parse

#: Bytes for each pixel of a region's weights: those of the picture and of all blocks.
GUIDE: Final = 4 * (1 + 4 / 3)

#: Bytes, or multiplications, of what takes some, and of what may take none.
_Some = Annotated[float, number(1e-6, 1e9)]
_Any = Annotated[float, number(0, 1e9)]


@dataclass(frozen=True)
class _Region:
    """What every further region adds."""

    guided: _Any
    forward: tuple[_Any, ...]
    backward: tuple[_Any, ...]


@dataclass(frozen=True)
class _Written:
    """Costs as the exporter writes them."""

    whole: _Some
    guided: _Some
    kept: _Any
    targets: _Any
    work: tuple[_Some, ...]
    region: _Region
    forward: tuple[_Some, ...]
    backward: tuple[_Some, ...]


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
    def parse(cls, metadata: Mapping[str, str], blocks: int) -> Self | None:
        """Read the costs from the metadata of a model with so many blocks.

        Returns:
            The costs, or None if the model cannot be cut into strips.

        Raises:
            ModelError: If the metadata is damaged.
        """
        text = metadata.get(contract.META_COSTS)
        if text is None:
            return None
        try:
            written = parse(_Written, loads(text, LONGEST), "it", {})
            region = written.region
            sweeps = (written.forward, written.backward, written.work)
            lengths = {*map(len, (*sweeps, region.forward, region.backward))}
            if lengths != {blocks}:
                raise ValueError(f"it is not of {blocks} blocks")
        except ValueError as error:
            raise ModelError(
                f"a graph's metadata {contract.META_COSTS} is damaged: {error}; make "
                "the model again with `lightstyle export`"
            ) from error
        return cls(
            whole=written.whole,
            kept=written.kept,
            targets=written.targets,
            forward=_by_block(written.forward),
            backward=_by_block(written.backward),
            work=_by_block(written.work),
            guided=written.guided,
            region=region.guided,
            forward_region=_by_block(region.forward),
            backward_region=_by_block(region.backward),
        )


def _sum(
    costs: Mapping[int, float], count: int, each: Mapping[int, float]
) -> dict[int, float]:
    """Add `count` times what `each` says to the costs of every block."""
    return {number: cost + count * each[number] for number, cost in costs.items()}


def _by_block(costs: Sequence[float]) -> dict[int, float]:
    return {number: float(cost) for number, cost in enumerate(costs, 1)}
