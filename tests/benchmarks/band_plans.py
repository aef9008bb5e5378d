"""``python -m tests.benchmarks.band_plans``: what plans foretell of bands of any size.

It needs no cluster. For a picture of a size, it prints the lines of a margin, the most
bands, and the memory of the command with each history; and for numbers of workers of 16
GB each, the time of an evaluation relative to that of the whole picture on one worker
and in seconds, the memory of each worker, the bytes moved, and their seconds.
"""

import argparse
from dataclasses import replace

from lightstyle import Model
from lightstyle.cluster.band_worker import BandWorker
from lightstyle.engine.banding import Workers
from lightstyle.engine.bands import Reach, most_bands
from lightstyle.engine.memory import resident
from lightstyle.engine.plan import HISTORIES
from lightstyle.engine.workload import Workload
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.settings.choices import Optimizer
from lightstyle.zoo import registry
from tests.support.bands import fastest, layers_of


def main() -> None:
    """Print what is foretold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--size", type=int, nargs=2, default=(32768, 32768))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 64])
    parser.add_argument("--memory", type=float, default=16, help="GB of each worker")
    parser.add_argument("--micros", type=float, default=1, help="of a pixel, whole")
    parser.add_argument("--gigabits", type=float, default=10, help="a second")
    given = parser.parse_args()
    size, (width, height) = tuple(given.size), given.size
    model = Model.load(registry.find(given.model), "cpu", 1)
    assert model.costs is not None
    reach, sums = Reach.of(layers_of(model)), BandWorker(model.tiled).sums()
    most = most_bands(size, reach)
    print(f"margin {reach.margin} lines, at most {most} bands, {sums:,} sums")
    work = Workload(model.costs, resident(), size, Optimizer.LBFGS)
    for history in HISTORIES:
        print(f"{history}: command {work.driver_memory(history) / 1e9:.1f} GB")
    workers = Workers(0, int(given.memory * 1e9), resident(), reach, sums, 1.0)
    print("| workers | time | seconds | GB of each | GB moved | seconds for them |")
    print("|---|---|---|---|---|---|")
    for count in given.workers:
        if count > most:
            continue
        try:
            plan = fastest(replace(workers, count=count), model.costs, size, count)
        except ValueError:
            print(f"| {count} | does not fit | | | | |")
            continue
        seconds = given.micros / 1e6 * width * height * plan.overhead
        print(
            f"| {count} | {plan.overhead:.2f} | {seconds:.1f} "
            f"| {plan.memory / 1e9:.1f} | {plan.moved / 1e9:.2f} "
            f"| {plan.moved * 8 / given.gigabits / 1e9:.1f} |"
        )


if __name__ == "__main__":
    main()
