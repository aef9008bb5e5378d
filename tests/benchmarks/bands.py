"""``python -m tests.benchmarks.bands``: an evaluation in bands against one process.

Workers of one thread each, on a cluster that is started here, take turns with one
process that has as many threads as the machine has CPUs and computes the picture as its
plan says. The table has the seconds of each, their ratio, the time that the plan
foretells, relative to a single worker's, and the bytes that were moved beside those of
the plan. With more workers than CPUs, workers wait for each other, but the seconds of
CPU of the busiest are those that it would take with a CPU of its own.
"""

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil

from lightstyle import Model
from lightstyle.cluster.connection import connected
from lightstyle.cluster.picture import spread
from lightstyle.engine.threads import available_cpus
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.zoo import registry
from tests.support.bands import fastest
from tests.support.networks import picture, weighed
from tests.support.processes import named

#: Turns that do not count: sessions are made in the first.
_FIRST = 1


@dataclass(frozen=True)
class Measured:
    """An evaluation in bands, and one in a single process meanwhile."""

    workers: int
    seconds: float
    busiest: float
    alone: float
    foretold: float
    moved: int
    planned: int


def measured(path: Path, size: tuple[int, int], count: int, turns: int) -> Measured:
    """Measure `count` workers of one thread against all threads of this process."""
    width, height = size
    alone = Model.load(path, "cpu", available_cpus())
    model = Model.load(path, "cpu", 1)
    pixels = picture(height, width)[None]
    content = picture(height, width, 1)[None]
    with ExitStack() as stack:
        cluster = stack.enter_context(connected("local", cpus=count))
        banded = stack.enter_context(spread(model, cluster, threads=1))
        assert model.workers is not None
        assert model.costs is not None
        plan, single = (
            fastest(model.workers, model.costs, size, each) for each in (count, 1)
        )
        own = alone.planner().choose(size).tiling
        tilings = {alone: own, model: plan.tiling}
        feeds = {
            m: weighed(m.targets(content, t), 1, tv_weight=0.1)
            for m, t in tilings.items()
        }
        times: dict[Model, list[float]] = {alone: [], model: []}
        busiest, moved = [], 0
        for _ in range(_FIRST + turns):
            for each, tiling in tilings.items():
                used, before, began = _used(), banded.moved, perf_counter()
                each.evaluate(pixels, feeds[each], tiling)
                times[each].append(perf_counter() - began)
                moved = max(moved, banded.moved - before)
                if each is model:
                    busiest.append(max(s - used[pid] for pid, s in _used().items()))
    seconds, other = (median(times[each][_FIRST:]) for each in (model, alone))
    return Measured(
        count,
        seconds,
        median(busiest[_FIRST:]),
        other,
        plan.overhead / single.overhead,
        moved,
        plan.moved,
    )


def _used() -> dict[int, float]:
    """Seconds of CPU that each worker has used so far."""
    workers = named("_Actor", psutil.Process().children(recursive=True))
    return {each.pid: sum(each.cpu_times()[:2]) for each in workers}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--size", type=int, nargs=2, default=(2048, 1536))
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    path = registry.find(given.model)
    print(
        "| workers | seconds | CPU of the busiest | one process | ratio | foretold "
        "| MB | MB of the plan |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for count in given.workers:
        row = measured(path, tuple(given.size), count, given.turns)
        print(
            f"| {row.workers} | {row.seconds:.2f} | {row.busiest:.2f} "
            f"| {row.alone:.2f} | {row.seconds / row.alone:.2f} | {row.foretold:.2f} "
            f"| {row.moved / 1e6:.1f} | {row.planned / 1e6:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
