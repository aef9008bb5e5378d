"""``python -m tests.benchmarks``: speed and memory of an evaluation, beside the peers.

Every contender has a process of its own, so that its memory is its own; the processes
take turns, so that what else the machine does falls on all of them alike.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import CONTENDERS
from tests.networks import WEIGHTS_VARIABLE


@dataclass
class Contest:
    """A contender at a size: its process and what that reported."""

    name: str
    process: subprocess.Popen[str]
    reports: list[dict[str, Any]] = field(default_factory=list)

    def turn(self) -> None:
        """Let it evaluate once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.reports.append(json.loads(self.process.stdout.readline()))

    @property
    def seconds(self) -> float:
        """Median of all evaluations but the first."""
        timed = [float(report["seconds"]) for report in self.reports[1:]]
        return statistics.median(timed)


def _start(name: str, weights: Path, size: int) -> Contest:
    command = [sys.executable, "-m", "tests.benchmarks.worker", name]
    process = subprocess.Popen(
        [*command, str(weights), str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return Contest(name, process)


def contest(names: list[str], weights: Path, size: int, repeats: int) -> list[Contest]:
    """Let contenders, names of `CONTENDERS` or ``lightstyle:MODEL``, take turns."""
    contests = [_start(name, weights, size) for name in names]
    for _ in range(repeats + 1):
        for contest in contests:
            contest.turn()
    for contest in contests:
        contest.process.communicate()
    return contests


def _rows(contests: list[Contest], size: int) -> list[str]:
    ours = contests[0]
    rows = []
    for contest in contests:
        last = contest.reports[-1]
        gap = abs(last["loss"] / ours.reports[-1]["loss"] - 1)
        rows.append(
            f"| {size} | {contest.name} | {contest.seconds:.3f} | "
            f"{contest.seconds / ours.seconds:.2f} | {last['memory'] / 1e9:.2f} | "
            f"{gap:.0e} |"
        )
    return rows


def main() -> None:
    """Run the contests and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    has_torch = importlib.util.find_spec("torch") is not None
    names = [name for name in CONTENDERS if has_torch or not name.startswith("torch")]
    cpus = len(os.sched_getaffinity(0))
    print(f"{platform.machine()}, {cpus} CPUs, Python {platform.python_version()}\n")
    print("| size | contender | s/evaluation | × lightstyle | peak GB | loss gap |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        contests = contest(names, options.weights, size, options.repeats)
        print("\n".join(_rows(contests, size)), flush=True)


if __name__ == "__main__":
    main()
