"""``python -m tests.benchmarks.cable``: an evaluation in bands through a slow cable.

The command and its workers, of one thread each, are on two machines in network
namespaces, with a cable between them that is limited by turns. Each row has the bytes a
second that the command measures when it begins, the bytes of an evaluation by the plan,
by the arrays that were given to Ray, and by the counters of the cable; and the seconds
of an evaluation, beside those that the model of `lightstyle guide cluster` foretells
from the row without a limit. Needs root on Linux and the extra `ray`.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from lightstyle import Model
from lightstyle.cluster.connection import connected
from lightstyle.cluster.picture import spread
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.zoo import registry
from tests.support import namespaces
from tests.support.bands import fastest
from tests.support.networks import picture, weighed

#: Counters of the cable, as Linux shows them where the command runs.
_COUNTERS = Path("/sys/class/net/cable/statistics")

#: Turns that do not count: sessions are made in the first.
_FIRST = 1


@dataclass(frozen=True)
class Measured:
    """An evaluation: seconds and bytes, and the bytes a second before it."""

    seconds: float
    bandwidth: float
    planned: int
    moved: int
    wired: int

    @property
    def alone(self) -> float:
        """Seconds in which nothing moves."""
        return self.seconds - self.planned / self.bandwidth


def measured(path: Path, size: tuple[int, int], count: int, turns: int) -> Measured:
    """Measure in this process, which is on one of the machines."""
    width, height = size
    model = Model.load(path, "cpu", 1)
    with connected("auto") as cluster, spread(model, cluster, threads=1) as banded:
        assert model.workers is not None
        assert model.costs is not None
        plan = fastest(model.workers, model.costs, size, count)
        targets = model.targets(picture(height, width, 1)[None], plan.tiling)
        feeds = weighed(targets, 1, tv_weight=0.1)
        times, moved, wired = [], 0, 0
        for turn in range(_FIRST + turns):
            before, on_wire, began = banded.moved, _wired(), perf_counter()
            model.evaluate(picture(height, width)[None], feeds, plan.tiling)
            times.append(perf_counter() - began)
            if turn >= _FIRST:
                moved, wired = banded.moved - before, wired + _wired() - on_wire
        found = median(times[_FIRST:])
        bandwidth = model.workers.bandwidth
    return Measured(found, bandwidth, plan.moved, moved, wired // turns)


def _wired() -> int:
    names = ("rx_bytes", "tx_bytes")
    return sum(int((_COUNTERS / name).read_text()) for name in names)


def main() -> None:
    """Print the table, or, inside, what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 512))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rates", nargs="+", default=["400mbit", "100mbit"])
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        path = registry.find(given.model)
        row = measured(path, tuple(given.size), given.workers, given.turns)
        print(json.dumps(asdict(row)))
        return
    if problem := namespaces.problem():
        sys.exit(problem)
    temp = Path(tempfile.mkdtemp(prefix="ls-", dir="/tmp"))
    print("| cable | MB/s | MB planned | given | on the cable | seconds | foretold |")
    print("|---|---|---|---|---|---|---|")
    alone = 0.0
    with namespaces.machines(temp, []) as both:
        for number, cpus in enumerate((0, given.workers)):
            both.start(number, apart=False, cpus=cpus)
        for rate in ("", *given.rates):
            if rate:
                both.limit(rate)
            command = [sys.executable, "-m", "tests.benchmarks.cable", *sys.argv[1:]]
            process = both.command(*command, "--inside")
            out, errors = process.communicate()
            if process.returncode:
                sys.exit(errors)
            row = Measured(**json.loads(out))
            alone = alone or row.alone
            foretold = alone + row.planned / row.bandwidth
            megabytes = (row.bandwidth, row.planned, row.moved, row.wired)
            print(
                f"| {rate or 'unlimited'} | "
                + " | ".join(f"{each / 1e6:.1f}" for each in megabytes)
                + f" | {row.seconds:.2f} | {foretold:.2f} |",
                flush=True,
            )
    shutil.rmtree(temp, ignore_errors=True)


if __name__ == "__main__":
    main()
