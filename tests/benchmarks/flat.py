"""``python -m tests.benchmarks.flat``: does memory stay flat over a batch?

Pictures of mixed sizes, landscape and portrait, are painted one after the other by one
process with the bundled model, as `lightstyle batch` does, in few iterations; sizes, not
iterations, are what memory could grow with. Printed is what the process holds after
some of them. After all it is to hold at most 1.1 times what it did after 20, or the
exit code is 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from lightstyle import Settings, memory
from lightstyle.contract import BUNDLED_MODEL
from lightstyle.painter import Painter, State, Task, Work
from tests.benchmarks.machine import description, threads
from tests.networks import picture

#: Pictures after which the memory counts as that of a batch under way.
SETTLED: Final = 20

#: Most that it may have grown by after all.
ALLOWED: Final = 1.1

_SMALLEST, _LARGEST = 64, 288


def sizes(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Width and height of pictures, each of its own."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        width, height = random.integers(_SMALLEST, _LARGEST, 2)
        yield int(width), int(height)


def draw(path: Path, size: tuple[int, int], seed: int) -> Path:
    """A picture in the file at `path`."""
    width, height = size
    levels = np.rint(picture(height, width, seed).transpose(1, 2, 0))
    Image.fromarray(levels.astype(np.uint8)).save(path)
    return path


def held(folder: Path, count: int, settings: Settings, seed: int) -> Iterator[int]:
    """Bytes that this process holds after each of `count` pictures."""
    style = draw(folder / "style.png", (240, 200), 0)
    work = Work(styles=(str(style),), model=BUNDLED_MODEL)
    painter = Painter(work)
    for number, size in enumerate(sizes(count, seed), 1):
        content = draw(folder / f"{number}.png", size, number)
        task = Task(content, settings, folder / "out" / content.name)
        outcome = painter.paint(task, lambda: False)
        if outcome is None or outcome.state is not State.DONE:
            raise SystemExit(f"{content}: {outcome}")
        yield memory.resident()


def main() -> None:
    """Print a table, and whether the memory stayed flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flat")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = Settings(size=options.size, iterations=options.iterations)
    print(f"{description(threads())}\n\n| pictures | resident MB |\n|---|---|")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for each in held(Path(folder), options.pictures, settings, options.seed):
            found.append(each)
            if len(found) % SETTLED == 0 or len(found) == 1:
                print(f"| {len(found)} | {each / 1e6:.0f} |", flush=True)
    ratio = found[-1] / found[min(SETTLED, len(found)) - 1]
    print(f"\n{ratio:.3f} times what it was after {SETTLED}, allowed are {ALLOWED}")
    sys.exit(int(ratio > ALLOWED))


if __name__ == "__main__":
    main()
