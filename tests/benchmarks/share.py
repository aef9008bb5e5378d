"""``python -m tests.benchmarks.share``: how good is a cheaper model, and how cheap.

For each pair a model makes a picture at 256 px in 150 iterations, from the content, and
VGG19 judges the 8-bit picture that would be saved:

    share of the gap closed = (L(start) − L(picture)) / L(start)

with L the loss with VGG19's features, once with fixed weights, once by default with the
weights that the strength finds with VGG19. With the fixed weights the style dominates:
the content term is 0 at the start, and a few per cent of L(start) at the most in the
picture. By default both terms count, so that VGG19 itself leaves a part of the gap.
`style` is the share of the style terms alone. A random network of the bundled model's
widths is the floor. Seconds and memory are those of one evaluation at 512 px in a
process of its own.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export import build_model, export_model
from export.weights import read_weights
from lightstyle import Model, Result, Settings, contract, images, stylize
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
FIXED = replace(LOSS, size=256, iterations=150, optimizer="lbfgsb", pyramid="off")
DEFAULT = Settings(size=256, iterations=150)

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


def share(
    judge: Model, loss: Settings, made: Result, content: Path, style: Path
) -> dict[str, float]:
    """Share of the gap that a picture closes: in all, of the style, at each layer."""
    start, painting = framed(_pixels(content)), framed(_pixels(style))
    picture = framed(images.to_pixels(made.to_array().astype(np.float32)))
    judged = objective(judge, loss, start, painting)
    before, after = (judged(pixels.ravel())[0].terms for pixels in (start, picture))

    def closed(terms: Iterable[str]) -> float:
        names = [*terms]
        return 1 - sum(after[k] for k in names) / sum(before[k] for k in names)

    styles = [name for name in before if name.startswith("style")]
    layers = {name.partition("/")[2]: closed([name]) for name in styles}
    return {"total": closed(before), "style": closed(styles), **layers}


def weights_found(made: Result) -> Settings:
    """The default with the weights of a picture's record in place of a strength."""
    found = made.record.balance
    assert found is not None
    return replace(
        DEFAULT,
        content_weight=found.content,
        style_weight=found.style,
        tv_weight=found.tv,
    )


def _pixels(path: Path) -> Any:
    picture = images.load(path)
    size = images.fitted_size(picture.size, FIXED.size)
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
        paths = {"vgg19": paths["vgg19"], "bundled": options.bundled, **paths}
        models = {name: Model.load(path) for name, path in paths.items()}
        print("Fixed weights\n")
        _print_shares(models, options.images, FIXED)
        del models["random"]
        print("\nThe default\n")
        _print_shares(models, options.images, DEFAULT)
        _print_costs(paths, Stage(Path(folder), options.weights, machine.threads()))


def _print_shares(
    models: Mapping[str, Model], folder: Path, settings: Settings
) -> None:
    """Print what each model closes; the first one judges, and finds the weights."""
    judge = next(iter(models.values()))
    columns = ["total", "style", *settings.style_layers]
    print(f"| pair | model | {' | '.join(columns)} | ÷ vgg19 |")
    print("|---" * (3 + len(columns)) + "|")
    totals: dict[str, list[float]] = {name: [] for name in models}
    for content, style in ([folder / name for name in pair] for pair in PAIRS):
        made = {
            name: stylize(content, style, model=model, settings=settings)
            for name, model in models.items()
        }
        loss = settings if settings is FIXED else weights_found(made["vgg19"])
        for name, result in made.items():
            found = share(judge, loss, result, content, style)
            totals[name].append(found["total"])
            ratio = found["total"] / totals["vgg19"][-1]
            parts = " | ".join(f"{found[column]:.3f}" for column in columns)
            title = f"{content.stem} × {style.stem}"
            print(f"| {title} | {name} | {parts} | {ratio:.3f} |", flush=True)
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
        files = path.parent.glob(f"{path.stem}*")
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        ratio, memory = seconds["vgg19"] / seconds[name], each.reports[-1]["memory"]
        print(
            f"| {name} | {seconds[name]:.3f} | {ratio:.2f} | {memory / 1e9:.2f} | "
            f"{megabytes:.1f} |"
        )


if __name__ == "__main__":
    main()
