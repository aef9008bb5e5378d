"""Plans how a picture is computed in bands on other machines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..arrays import Size
from ..optimize.curvature import History
from .bands import Band, Reach, bands, most_bands
from .costs import Costs
from .strips import REACH, Tiling, computed_lines
from .workload import PICTURE, Workload, evaluated

#: What the two round trips of an evaluation take, in pixels that a worker could
#: evaluate meanwhile: two of 26 ms each, as Ray takes for actors and 2 MB of sums, at
#: the 1.3 µs a pixel of `vgg19-lite` on two threads.
ROUND_TRIPS: Final = 40_000

#: Bytes of each sum over positions, which are in float64, and of its gradient.
_SUM: Final = 8
_SUM_GRADIENT: Final = 4


@dataclass(frozen=True)
class Workers:
    """The workers that there are.

    Attributes:
        count: Their number.
        memory: Bytes that each may take.
        held: Bytes that each holds with the model loaded and nothing run.
        reach: Of the model.
        sums: Number of sums over positions, for each region.
        bandwidth: Bytes a second to and from this process.
    """

    count: int
    memory: int
    held: int
    reach: Reach
    sums: int
    bandwidth: float


@dataclass(frozen=True)
class BandPlan:
    """How a picture is computed in bands.

    Attributes:
        tiling: Number of bands, and the strips of each.
        memory: Bytes that the largest band needs in its worker.
        overhead: Time of an evaluation relative to that of the whole picture on one.
        moved: Bytes that are sent and received at an evaluation.
    """

    tiling: Tiling
    memory: int
    overhead: float
    moved: int


@dataclass(frozen=True)
class _Band(Workload):
    """A band in its worker, which is cut across its second side."""

    @property
    def _sides(self) -> Sequence[int]:
        return self.size


def band_plans(workers: Workers, costs: Costs, size: Size) -> Iterator[BandPlan]:
    """Yield plans for every number of bands that pays, with activations kept first.

    Args:
        workers: The workers.
        costs: Costs of the model's graphs.
        size: Width and height of the picture.
    """
    for count in range(1, min(workers.count, most_bands(size, workers.reach)) + 1):
        cuts = bands(size, count, workers.reach)
        lines = max(band.stop - band.start for band in cuts)
        work = _Band(costs, workers.held, (min(size), lines), None)
        for keeps in (True, False):
            tiling = work.largest_tiling(_NO_HISTORY, workers.memory, keeps=keeps)
            seconds = max(_relative(costs, band, tiling) for band in cuts)
            pixels = size[0] * size[1]
            yield BandPlan(
                tiling=replace(tiling, bands=len(cuts)),
                memory=work.tiled_memory(_NO_HISTORY, tiling),
                overhead=seconds + ROUND_TRIPS / pixels,
                moved=moved(cuts, size, workers.sums),
            )


def moved(cuts: Sequence[Band], size: Size, sums: int) -> int:
    """Return the bytes that move at an evaluation of a picture.

    Pixels are sent with the margins, and those of the gradient come back without. Sums
    come back in float64, and their gradients are sent in float32.
    """
    sent = sum(band.stop - band.start for band in cuts) * min(size) * PICTURE
    back = size[0] * size[1] * PICTURE
    return sent + back + len(cuts) * sums * (_SUM + _SUM_GRADIENT)


_NO_HISTORY: Final = History()


def _relative(costs: Costs, band: Band, tiling: Tiling) -> float:
    """Return the time of a band, relative to that of the whole picture."""
    total = 0.0
    for number, work in costs.work.items():
        lines, needed = band.lines(number), band.needed(number, tiling.sides)
        forward = computed_lines(
            lines.stop - lines.start, tiling.forward[number], REACH[number]
        )
        backward = computed_lines(
            needed.stop - needed.start,
            tiling.backward[number],
            tiling.sides * REACH[number],
        )
        length = band.length >> (number - 1)
        total += work * evaluated(forward, backward, tiling) / length
    return total / sum(costs.work.values())
