"""``python -m tests.benchmarks.decoding``: large pictures within a budget of memory.

Each picture is painted by a process of its own with the bundled model. Printed are the
memory that was forecast before the first evaluation, and the peak that the operating
system counted for the whole process, pictures and imports and all; or what was said
when the picture was refused. Where a peak exceeds the budget by more than a twentieth,
or the forecast is more than 15 % off, the exit code is 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from lightstyle import Settings, UsageError, stylize
from lightstyle.engine import memory
from lightstyle.images import encoding
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.transfer.forecast import Forecast
from lightstyle.zoo import registry
from tests.benchmarks.machine import description, threads
from tests.benchmarks.worker import peak_memory

#: Most that a peak may exceed the budget by, and that a forecast may be off by.
OVER, OFF = 1.05, 0.15


def _jpeg(width: int, height: int, **options: Any) -> Callable[[Path], None]:
    def draw(path: Path) -> None:
        # Means of noise, so that it compresses as a photo does.
        noise = Image.effect_noise((width // 16, height // 16), 80).convert("RGB")
        noise.resize((width, height)).save(path, "JPEG", **options)

    return draw


def _png(width: int, height: int, mode: str) -> Callable[[Path], None]:
    def draw(path: Path) -> None:
        ramp = Image.linear_gradient("L").resize((width, height), 0)
        planes = [ramp] * len(Image.new(mode, (1, 1)).getbands())
        Image.merge(mode, planes).save(path, "PNG")

    return draw


def _deep(width: int, height: int) -> Callable[[Path], None]:
    def draw(path: Path) -> None:
        ramp = np.linspace(0, 255, width, dtype=np.float32)
        levels = np.broadcast_to(ramp[None, :, None], (height, width, 3))
        path.write_bytes(encoding.encoded(path.with_suffix(".png"), levels, bits=16))

    return draw


#: What draws each picture.
PICTURES: Final[dict[str, Callable[[Path], None]]] = {
    "48 MP JPEG": _jpeg(8064, 6048),
    "108 MP JPEG": _jpeg(12000, 9000),
    "108 MP progressive JPEG": _jpeg(12000, 9000, progressive=True),
    "149 MP RGBA PNG": _png(12207, 12207, "RGBA"),
    "108 MP RGB PNG": _png(12000, 9000, "RGB"),
    "16 MP RGBA PNG": _png(4000, 4000, "RGBA"),
    "16 MP RGB PNG": _png(4000, 4000, "RGB"),
    "12 MP RGB PNG of 16 bits": _deep(4000, 3000),
}


def one(path: str, style: str, size: int, budget: str) -> dict[str, Any]:
    """Paint a picture in this process, and tell what was forecast and what it took."""
    told: list[Forecast] = []
    settings = Settings(size=size, iterations=60)
    loaded = registry.load(BUNDLED_MODEL, settings, memory=memory.parse(budget))
    try:
        stylize(path, style, model=loaded, settings=settings, announce=told.append)
    except UsageError as error:
        return {"refused": str(error), "peak": peak_memory()}
    return {"predicted": told[0].memory, "peak": peak_memory()}


def row(name: str, found: dict[str, Any], budget: int) -> tuple[str, bool]:
    """Return a row of the table, and whether all is as it should be."""
    peak = found["peak"]
    good = peak <= OVER * budget
    if "refused" in found:
        return f"| {name} | {peak / 1e9:.2f} | {found['refused']} | |", good
    ratio = found["predicted"] / peak
    numbers = f"{peak / 1e9:.2f} | {found['predicted'] / 1e9:.2f} | {ratio:.2f}"
    return f"| {name} | {numbers} |", good and abs(ratio - 1) <= OFF


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.decoding")
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--only", default="", help="pictures with this in their name")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, style = options.one
        print(json.dumps(one(path, style, options.size, options.memory)))
        return 0
    print(f"{description(threads())}\n")
    print("| picture | peak GB | forecast GB | ratio |\n|---|---|---|---|")
    failed = False
    again = [sys.executable, "-m", "tests.benchmarks.decoding"]
    again += ["--size", str(options.size), "--memory", options.memory, "--one"]
    painting = Path(__file__).parents[2] / "lightstyle/demo/painting.jpg"
    for name, draw in PICTURES.items():
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            drawn = Path(folder, "picture")
            draw(drawn)
            done = subprocess.run(
                [*again, str(drawn), str(painting)], stdout=subprocess.PIPE, check=True
            )
        budget = memory.parse(options.memory)
        assert budget is not None
        line, good = row(name, json.loads(done.stdout.splitlines()[-1]), budget)
        print(line, flush=True)
        failed = failed or not good
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
