"""``python -m tests.benchmarks.share``: how good is a cheaper model, and how cheap.

For each pair a model makes a picture with fixed weights at 256 px in 150 iterations of
`lbfgsb`, from the content, and VGG19 judges the 8-bit picture that would be saved:

    share of the gap closed = (L(start) − L(picture)) / L(start)

with L that loss with VGG19's features. In it the style dominates: at the start the
content term is 0, and the picture's is a few per cent of L(start) at the most. A random
network of the bundled model's widths is the floor. Seconds and memory are those of one
evaluation at 512 px in a process of its own.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export import build_model, export_model
from export.weights import read_weights
from lightstyle import Model, contract, images, stylize
from lightstyle.images.frame import framed
from lightstyle.quality.judge import objective
from lightstyle.zoo import registry
from tests.benchmarks import machine
from tests.benchmarks.contest import WARM_UP, contest
from tests.benchmarks.stage import Stage
from tests.benchmarks.task import SETTINGS as LOSS
from tests.benchmarks.task import Scene
from tests.support.networks import WEIGHTS_VARIABLE, picture

#: With the reference optimiser, so that the numbers are of the models alone.
SETTINGS = replace(LOSS, size=256, iterations=150, optimizer="lbfgsb", pyramid="off")

#: None of these pictures was used to train or to calibrate the bundled model.
PAIRS = (
    ("content/tubingen.jpg", "style/starry_night_google.jpg"),
    ("content/golden_gate.jpg", "style/the_scream.jpg"),
    ("train/0972.jpg", "style/shipwreck.jpg"),
    ("train/0888.jpg", "style/seated-nude.jpg"),
    ("train/0024.jpg", "train/1248.jpg"),
)


def random_model(bundled: Path, path: Path) -> None:
    """A network of the widths of `bundled` that has learnt nothing."""
    random = np.random.default_rng(0)
    network = read_weights(contract.weights_path(bundled))
    kernels = {
        layer: random.normal(0, np.sqrt(2 / kernel[0].size), kernel.shape).astype("f4")
        for layer, kernel in network.kernels.items()
    }
    biases = {layer: np.zeros_like(bias) for layer, bias in network.biases.items()}
    build_model(replace(network, kernels=kernels, biases=biases, embeddings={}), path)


def share(judge: Model, model: Model, content: Path, style: Path) -> dict[str, float]:
    """Share of the gap that `model` closes, in all and for each style layer."""
    made = stylize(content, style, model=model, settings=SETTINGS)
    start, painting = framed(_pixels(content)), framed(_pixels(style))
    picture = framed(images.to_pixels(made.to_array().astype(np.float32)))
    loss = objective(judge, SETTINGS, start, painting)
    before, after = (loss(pixels.ravel())[0].terms for pixels in (start, picture))
    found = {
        name.partition("/")[2]: 1 - after[name] / before[name]
        for name in before
        if name.startswith("style")
    }
    return {"total": 1 - sum(after.values()) / sum(before.values()), **found}


def _pixels(path: Path) -> Any:
    picture = images.load(path)
    size = images.fitted_size(picture.size, SETTINGS.size)
    return images.to_pixels(images.resized(picture, size).rgb_hwc)


def main() -> None:
    """Print a table of shares and one of costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.share")
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--bundled", type=Path, default=registry.bundled())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.onnx" for name in ("vgg19", "random")}
        export_model(options.weights, paths["vgg19"])
        random_model(options.bundled, paths["random"])
        paths = {"bundled": options.bundled, **paths}
        _print_shares(paths, options.images)
        _print_costs(paths, Stage(Path(folder), options.weights, machine.threads()))


def _print_shares(paths: Mapping[str, Path], folder: Path) -> None:
    judge = Model.load(paths["vgg19"])
    layers = [*SETTINGS.style_layers]
    print(f"| pair | model | share | ÷ vgg19 | {' | '.join(layers)} |")
    print("|---" * (4 + len(layers)) + "|")
    totals: dict[str, list[float]] = {name: [] for name in paths}
    for pair in PAIRS:
        content, style = (folder / name for name in pair)
        shares = {
            name: share(judge, Model.load(path), content, style)
            for name, path in paths.items()
        }
        for name, found in shares.items():
            totals[name].append(found["total"])
            ratio = found["total"] / shares["vgg19"]["total"]
            parts = " | ".join(f"{found[layer]:.3f}" for layer in layers)
            title = f"{content.stem} × {style.stem}"
            row = f"| {title} | {name} | {found['total']:.3f} | {ratio:.3f} | {parts} |"
            print(row, flush=True)
    for name, values in totals.items():
        mean, least = statistics.mean(values), min(values)
        print(f"\n{name}: mean share {mean:.3f}, least {least:.3f}", flush=True)


def _print_costs(paths: Mapping[str, Path], stage: Stage) -> None:
    print("\n| model | s/evaluation at 512 px | ÷ vgg19 | peak GB | files, MB |")
    print("|---|---|---|---|---|")
    scene = stage.scene("512", Scene(*(picture(512, 512, k)[None] for k in range(3))))
    contenders = contest(
        [stage.ours(name, path, scene) for name, path in paths.items()], repeats=9
    )
    seconds = {each.task.name: each.median(WARM_UP) for each in contenders}
    for (name, path), each in zip(paths.items(), contenders, strict=True):
        files = (path, contract.targets_path(path), contract.weights_path(path))
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        ratio, memory = seconds["vgg19"] / seconds[name], each.reports[-1]["memory"]
        print(
            f"| {name} | {seconds[name]:.3f} | {ratio:.2f} | {memory / 1e9:.2f} | "
            f"{megabytes:.1f} |"
        )


if __name__ == "__main__":
    main()
