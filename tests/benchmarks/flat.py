"""``python -m tests.benchmarks.flat``: does memory stay flat over a batch?

Pictures of mixed sizes, landscape and portrait, are painted one after the other by one
process with the bundled model, as `lightstyle batch` does, in few iterations: sizes are
what memory could grow with, not iterations. What the process holds depends on the
picture that was last; so every twentieth has the same size, and is what is compared.
After all of them it is to hold at most 1.1 times what it did after 20, or the exit code
is 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from lightstyle import Settings
from lightstyle.engine import memory
from lightstyle.jobs.painter import Painter, Runtime
from lightstyle.jobs.task import Output, Task, TaskState
from lightstyle.model_folder import BUNDLED_MODEL
from tests.benchmarks.machine import description, threads
from tests.support.networks import picture

#: Pictures after which the memory counts as that of a batch under way.
SETTLED: Final = 20

#: Most that it may have grown by after all.
ALLOWED: Final = 1.1

#: Width and height of the pictures after which memory is compared.
COMPARED: Final = (256, 192)

_SMALLEST, _LARGEST = 64, 256


def sizes(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Width and height of pictures, at random but for those that are compared."""
    random = np.random.default_rng(seed)
    for number in range(1, count + 1):
        width, height = random.integers(_SMALLEST, _LARGEST, 2)
        compared = number % SETTLED == 0
        yield COMPARED if compared else (int(width), int(height))


def draw(path: Path, size: tuple[int, int], seed: int) -> Path:
    """A picture in the file at `path`."""
    width, height = size
    levels = np.rint(picture(height, width, seed).transpose(1, 2, 0))
    Image.fromarray(levels.astype(np.uint8)).save(path)
    return path


def held(folder: Path, count: int, settings: Settings, seed: int) -> Iterator[int]:
    """Bytes that this process holds after each of `count` pictures."""
    style = draw(folder / "style.png", (240, 200), 0)
    painter = Painter(Runtime(model=BUNDLED_MODEL))
    for number, size in enumerate(sizes(count, seed), 1):
        content = draw(folder / f"{number}.png", size, number)
        given = {"content": content, "style": style}
        output = Output(path=folder / "out" / content.name)
        task = Task(given=given, settings=settings, output=output)
        outcome = painter.paint(task, lambda: False)
        if outcome is None or outcome.state is not TaskState.DONE:
            raise SystemExit(f"{content}: {outcome}")
        yield memory.resident()


def main() -> None:
    """Print a table, and whether the memory stayed flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flat")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.pictures < SETTLED:
        parser.error(f"at least {SETTLED} pictures are compared")
    settings = Settings(size=options.size, iterations=options.iterations)
    print(f"{description(threads())}\n")
    print("| pictures | resident MB | most of the last 20 |\n|---|---|---|")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for each in held(Path(folder), options.pictures, settings, options.seed):
            found.append(each)
            if len(found) % SETTLED == 0:
                most = max(found[-SETTLED:])
                row = f"| {len(found)} | {each / 1e6:.0f} | {most / 1e6:.0f} |"
                print(row, flush=True)
    compared = found[SETTLED - 1 :: SETTLED]
    ratio = compared[-1] / compared[0]
    print(f"\n{ratio:.3f} times what it was after {SETTLED}, allowed are {ALLOWED}")
    sys.exit(int(ratio > ALLOWED))


if __name__ == "__main__":
    main()
