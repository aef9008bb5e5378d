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
    keeping: tuple[_Any, ...]
    kept: tuple[_Any, ...]


@dataclass(frozen=True)
class _Written:
    """Costs as the exporter writes them."""

    whole: _Some
    guided: _Some
    between: _Any
    targets: _Any
    activations: _Some
    work: tuple[_Some, ...]
    region: _Region
    forward: tuple[_Some, ...]
    backward: tuple[_Some, ...]
    keeping: tuple[_Some, ...]
    kept: tuple[_Some, ...]


@dataclass(frozen=True)
class Costs:
    """Costs of one model.

    Attributes:
        whole: Bytes per pixel of an evaluation of the whole picture.
        between: Bytes per pixel that an evaluation in strips keeps between blocks.
        targets: Bytes per pixel of the content's features.
        activations: Bytes per pixel of the features of all layers.
        sweeps: Bytes per position of a block's input that the block's graph takes, for
            each of `contract.SWEEPS` by block.
        work: Multiplications per pixel in each block's convolutions.
        guided: Like `whole`, with one region.
        region: What every further region adds to `guided`.
        sweeps_region: What every further region adds to `sweeps`.
    """

    whole: float
    between: float
    targets: float
    activations: float
    sweeps: Mapping[str, Mapping[int, float]]
    work: Mapping[int, float]
    guided: float
    region: float
    sweeps_region: Mapping[str, Mapping[int, float]]

    def of_regions(self, count: int) -> Self:
        """Return the costs of pictures with `count` regions."""
        if not count:
            return self
        more, guides = count - 1, count * GUIDE
        return replace(
            self,
            whole=self.guided + more * self.region,
            targets=self.targets + guides,
            sweeps={
                sweep: _sum(costs, more, self.sweeps_region[sweep])
                for sweep, costs in self.sweeps.items()
            },
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
            lists = (*_by_sweep(written), *_by_sweep(written.region), written.work)
            lengths = {*map(len, lists)}
            if lengths != {blocks}:
                raise ValueError(f"it is not of {blocks} blocks")
        except ValueError as error:
            raise ModelError(
                f"a graph's metadata {contract.META_COSTS} is damaged: {error}; make "
                "the model again with `lightstyle export`"
            ) from error
        sweeps, region = (
            dict(zip(contract.SWEEPS, map(_by_block, lists), strict=True))
            for lists in (_by_sweep(written), _by_sweep(written.region))
        )
        return cls(
            whole=written.whole,
            between=written.between,
            targets=written.targets,
            activations=written.activations,
            sweeps=sweeps,
            work=_by_block(written.work),
            guided=written.guided,
            region=written.region.guided,
            sweeps_region=region,
        )


def _by_sweep(written: _Region | _Written) -> Sequence[Sequence[float]]:
    """Return the lists of `contract.SWEEPS`."""
    return written.forward, written.backward, written.keeping, written.kept


def _sum(
    costs: Mapping[int, float], count: int, each: Mapping[int, float]
) -> dict[int, float]:
    """Add `count` times what `each` says to the costs of every block."""
    return {number: cost + count * each[number] for number, cost in costs.items()}


def _by_block(costs: Sequence[float]) -> dict[int, float]:
    return {number: float(cost) for number, cost in enumerate(costs, 1)}
