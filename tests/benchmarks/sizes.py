"""``python -m tests.benchmarks.sizes``: any size, in how much memory and time.

For each size and budget a process of its own does what `tests.benchmarks.size_case`
says with VGG19. Printed are the layout that was chosen; the memory that was predicted,
and the peak that the operating system counted for the whole process; the seconds that
were forecast for targets and two evaluations and what they took; an evaluation's
seconds for each pixel relative to the first case's; and PyTorch's peak, until it dies.

With ``--random N`` the cases are N sizes drawn at random, computed whole and in strips
in turn, of which none served to calibrate anything.
"""

import json
import random
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.benchmarks import stage
from tests.benchmarks.machine import description, threads

#: Width, height and budget; the first, computed whole, is what the others' time is
#: measured by.
CASES: Final = (
    "1024x1024@8GB",
    "1024x1024@1GB",
    "2048x2048@2.5GB",
    "4096x3072@10GB",
)

#: Budgets of random cases, in bytes for each pixel beside half a gigabyte; 0 is enough.
_BUDGETS: Final = (0, 600, 0, 1000)


def drawn(count: int, seed: int) -> Iterator[str]:
    """Random cases of 0.1 to 1.4 megapixels."""
    chance = random.Random(seed)
    for number in range(count):
        width, height = (chance.randrange(320, 1180) for _ in range(2))
        each = _BUDGETS[number % len(_BUDGETS)]
        budget = f"{500 + width * height * each // 10**6}MB" if each else "9GB"
        yield f"{width}x{height}@{budget}"


def report(side: str, path: Path, *case: str) -> dict[str, Any]:
    """What a process finds out about a case."""
    command = [sys.executable, "-m", "tests.benchmarks.size_case", side, str(path)]
    done = subprocess.run([*command, *case], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return {"refused": f"died with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.sizes")
    stage.add_options(parser)
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="WxH@MEMORY")
    parser.add_argument("--random", type=int, help="so many random cases instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-peer", action="store_true")
    options = parser.parse_args()
    cases = options.cases
    if options.random:
        cases = drawn(options.random, options.seed)
    print(f"{description(threads())}\n")
    print(
        "| size@budget | computed | predicted GB | peak GB | ratio | predicted s "
        "| measured s | ratio | s/evaluation | × first | PyTorch GB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        prepared = stage.of_options(options, Path(folder))
        first = 0.0
        for case in cases:
            size, _, budget = case.partition("@")
            width, height = size.split("x")
            found = report("ours", prepared.vgg19, width, height, budget)
            peer = "" if options.without_peer else _peer(prepared, width, height)
            if "refused" in found:
                print(f"| {case} | {found['refused']}" + " |" * 9 + f" {peer} |")
                continue
            rate = found["each"] / (int(width) * int(height))
            first = first or rate
            print(
                f"| {case} | {found['layout']} "
                f"| {found['predicted']:.2f} | {found['peak']:.2f} "
                f"| {found['predicted'] / found['peak']:.2f} "
                f"| {found['told']:.1f} | {found['took']:.1f} "
                f"| {found['told'] / found['took']:.2f} "
                f"| {found['each']:.1f} | {rate / first:.2f} | {peer} |",
                flush=True,
            )


def _peer(prepared: stage.Stage, width: str, height: str) -> str:
    found = report("peer", prepared.network, width, height)
    if "refused" in found:
        return str(found["refused"])
    return f"{found['peak']:.2f} ({found['each']:.1f} s)"


if __name__ == "__main__":
    main()
