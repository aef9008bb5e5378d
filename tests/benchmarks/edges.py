"""``python -m tests.benchmarks.edges --images FOLDER``: painted to the edge?

Pictures of sizes drawn at random are made of the pictures in FOLDER/content and
FOLDER/style, whole and in strips. For each, the deviation of grey in the outer 4 pixels
is divided by that in the 12 beside them. No picture is the same all over: the same
ratio in pieces cut from the middle of larger ones says how much is due to the subject.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from PIL import Image

import lightstyle
from lightstyle import Settings
from lightstyle.arrays import Array, Size
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.optimize.curvature import HISTORY

#: Strips of the least heights, so that even these pictures are cut.
STRIPS: Final = ExecutionPlan(
    Tiling(
        {1: 16, 2: 16, 3: 24, 4: 24, 5: 24},
        {1: 20, 2: 20, 3: 36, 4: 36, 5: 36},
    ),
    HISTORY,
)

#: Lines around a piece of a larger picture that count as its border.
_BORDER: Final = 16


def ratio(image_hwc: Array) -> float:
    """Return the deviation in the outer 4 pixels over that in the next 12."""
    grey = image_hwc.mean(axis=2)
    height, width = grey.shape
    rows, columns = np.ogrid[:height, :width]
    across = np.minimum(columns, width - 1 - columns)
    inward = np.minimum(np.minimum(rows, height - 1 - rows), across)
    return float(grey[inward < 4].std() / grey[(inward >= 4) & (inward < 16)].std())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.edges")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--sides", type=int, nargs=2, default=(32, 80))
    parser.add_argument("--iterations", type=int, default=60)
    options = parser.parse_args()
    low, high = options.sides
    whole = 2 * (high + 2 * _BORDER)
    settings = Settings(size=whole, iterations=options.iterations)
    model = lightstyle.load_model(options.model, threads=1)
    contents = _small(options.images / "content", whole)
    styles = _small(options.images / "style", whole)
    random = np.random.default_rng(0)

    def texture(index: int, size: Size) -> Array:
        style = styles[index % len(styles)]
        made = lightstyle.texture(style, size, model=model, settings=settings)
        return made.image_hwc

    def stylize(index: int, size: Size) -> Array:
        content = contents[index % len(contents)].resize(size)
        style = styles[index % len(styles)]
        made = lightstyle.stylize(content, style, model=model, settings=settings)
        return made.image_hwc

    jobs: dict[str, Callable[[int, Size], Array]] = {
        "texture": texture,
        "stylize": stylize,
    }
    sizes = [
        (int(width), int(height))
        for width, height in random.integers(low, high + 1, (options.count, 2))
    ]
    print("| job | computed | 5 % | median | 95 % | within 25 % |\n" + "|---" * 6 + "|")
    for name, job in jobs.items():
        _row(name, "whole", [ratio(job(n, size)) for n, size in enumerate(sizes)])
        with patch.object(Planner, "choose", lambda *_: STRIPS):
            found = [ratio(job(n, size)) for n, size in enumerate(sizes)]
        _row(name, "in strips", found)
        large = [job(n, (whole, whole)) for n in range(len(styles))]
        pieces = []
        for n, (width, height) in enumerate(sizes):
            left, top = (
                int(random.integers(_BORDER, whole - _BORDER - side + 1))
                for side in (width, height)
            )
            image_hwc = large[n % len(large)]
            pieces.append(ratio(image_hwc[top : top + height, left : left + width]))
        _row(name, "pieces of larger ones", pieces)


def _small(folder: Path, longest: int) -> list[Image.Image]:
    """Read all pictures of a folder at the size at which they are needed."""
    found = [Image.open(path).convert("RGB") for path in sorted(folder.iterdir())]
    for picture in found:
        picture.thumbnail((2 * longest, 2 * longest))
    return found


def _row(job: str, computed: str, ratios: list[float]) -> None:
    low, middle, high = np.percentile(ratios, [5, 50, 95])
    within = 100 * np.mean(np.abs(np.array(ratios) - 1) <= 0.25)
    print(
        f"| {job} | {computed} | {low:.2f} | {middle:.2f} | {high:.2f} | "
        f"{within:.0f} % |",
        flush=True,
    )


if __name__ == "__main__":
    main()
