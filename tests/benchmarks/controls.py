"""``python -m tests.benchmarks.controls``: what an evaluation costs with each control.

All cases take turns on one model, so that what else the machine does falls on all of
them alike; the columns are medians and ratios to one style everywhere.
"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from statistics import median
from time import sleep
from typing import Any

import numpy as np

from lightstyle import Model, Settings
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import Region, StyleRegion, StyleTarget
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.settings.choices import StyleLoss
from lightstyle.transfer.regions import feeds, masks_rhw
from lightstyle.zoo import registry
from tests.benchmarks import machine
from tests.support.losses import objective
from tests.support.networks import picture

#: Seconds between turns: onnxruntime's threads go on spinning for about 40 ms.
_PAUSE = 0.06


def _regions(count: int, side: int) -> Mapping[str, Any]:
    """Feeds of so many regions side by side."""
    columns = np.arange(side) * count // side
    found = [
        Region((StyleRegion(0, 1.0),), np.tile(np.float32(columns == n), (side, 1)))
        for n in range(count)
    ]
    return feeds(found, masks_rhw(found, (side, side)))


def objectives(model: Model, side: int) -> dict[str, Objective]:
    """The loss of one picture with each of the controls."""
    start, content, first, second = (picture(side, side, n)[None] for n in range(4))
    one = [StyleTarget(0, 1.0, first)]
    blend = [StyleTarget(0, 0.5, first), StyleTarget(0, 0.5, second)]
    plain = Settings()
    made = {
        "one style": objective(model, plain, start, content, one),
        "two styles, blended": objective(model, plain, start, content, blend),
    }
    for count in (1, 2, 4):
        name = f"{count} region{'s' * (count > 1)}"
        styles = [StyleTarget(n, 1.0, (first, second)[n % 2]) for n in range(count)]
        made[name] = objective(
            model, plain, start, content, styles, region_feeds=_regions(count, side)
        )
    gaussian = Settings(style_loss=StyleLoss.GAUSSIAN)
    made["style-loss gaussian"] = objective(
        model, gaussian, start, content, one, region_feeds=_regions(1, side)
    )
    return made


def main() -> None:
    """Print a row for each control."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.controls")
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    model = registry.load(options.model, device="cpu")
    print(json.dumps(machine.description(machine.threads())), "\n")
    cases = objectives(model, options.size)
    point = picture(options.size, options.size).ravel()
    turns: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.turns + 1):
        for name, case in cases.items():
            sleep(_PAUSE)
            turns[name].append(case(point)[0].seconds)
    print(f"| {model.info.path.stem}, {options.size}² | s/evaluation | × one style |")
    print("|---|---|---|")
    # The first turn makes sessions.
    times = {name: seconds[1:] for name, seconds in turns.items()}
    least = median(times["one style"])
    for name, seconds in times.items():
        print(f"| {name} | {median(seconds):.3f} | {median(seconds) / least:.3f} |")


if __name__ == "__main__":
    main()
