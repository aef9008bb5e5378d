"""``python -m tests.benchmarks.steps``: the optimiser's step, as a graph and in NumPy.

Milliseconds of one thread's own time, with a full history, of steps on a convex
quadratic; beside them, those of an evaluation. All take turns in one process, so that
other load on the machine affects all alike. The graph runs by ``run()``, and by IO
binding with two histories, which are copied, and with one, which is written in place.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.optimizer.step import step_graph
from export.write import to_proto
from lightstyle import Settings, model_folder, onnx_runtime
from lightstyle.losses.targets import StyleTarget
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.zoo import registry
from tests.benchmarks.machine import description
from tests.support.binding import Bound
from tests.support.losses import objective
from tests.support.networks import picture
from tests.support.steps import begun, reference

Vector = NDArray[Any]
Turn = Callable[[], Any]


def step_session(size: int, pairs: int, *, rewrite: bool) -> Any:
    """The step on one thread, for a square picture with a sum for each row."""
    options = onnx_runtime.load().SessionOptions()
    options.intra_op_num_threads = 1
    sizes = {"H": size, "W": size, "M": pairs + 1, "K": 3 * size}
    for name, length in sizes.items():
        options.add_free_dimension_override_by_name(name, length)
    data = to_proto(step_graph(rewrite=rewrite)).SerializeToString()
    return onnx_runtime.load().InferenceSession(data, options)


class Quadratic:
    """Minimised by whoever calls it."""

    def __init__(self, size: int) -> None:
        self.curvature = np.geomspace(1, 100, 3 * size * size).astype(np.float32)
        self.rows = 3 * size
        self.goal = picture(size, size, seed=5).ravel()

    def __call__(self, point: Vector) -> tuple[Vector, Vector]:
        """A sum for each row, and the gradient."""
        away = point - self.goal
        slope = self.curvature * away
        return (slope * away).reshape(self.rows, -1).sum(axis=1) / 2, slope


def numpy_turn(optimizer: LBFGS, quadratic: Quadratic) -> float:
    """Seconds of a step of `LBFGS`."""
    sums, gradient = quadratic(optimizer.propose())
    begin = thread_time()
    optimizer.accept(float(sums.sum(dtype=np.float64)), gradient)
    optimizer.propose()
    return thread_time() - begin


class Plain:
    """Steps by ``run()``, which copies all pairs."""

    def __init__(self, step: Any, start: Vector, pairs: int) -> None:
        def run(feeds: Mapping[str, Any]) -> dict[str, Any]:
            begin = thread_time()
            values = step.run(outputs, dict(feeds))
            self.spent = thread_time() - begin
            return dict(zip(outputs, values, strict=True))

        outputs = [output.name for output in step.get_outputs()]
        self.walk = begun(run, start, pairs, 3 * start.shape[2])

    def turn(self, quadratic: Quadratic) -> float:
        """Seconds of a step."""
        self.walk = self.walk.step(quadratic)
        return self.spent


def bound_turn(bound: Bound, quadratic: Quadratic) -> float:
    """Seconds of a step by IO binding."""
    sums, gradient = quadratic(bound.image.ravel())
    bound.tell(sums, gradient)
    begin = thread_time()
    bound.step()
    return thread_time() - begin


def evaluation(name: str, size: int) -> Turn:
    """A turn that evaluates a picture with a model, and returns the seconds."""
    model = registry.load(name, device="cpu", threads=1)
    start, content, style = (picture(size, size, n)[None] for n in range(3))
    styles = [StyleTarget(0, 1.0, style)]
    loss = objective(model, Settings(), start, content, styles)

    def turn() -> float:
        begin = thread_time()
        loss(start.ravel())
        return thread_time() - begin

    return turn


def contenders(size: int, pairs: int) -> dict[str, Turn]:
    """Turns by name."""
    start, quadratic = picture(size, size)[None], Quadratic(size)
    scatter, rewrite = (step_session(size, pairs, rewrite=r) for r in (False, True))
    optimizer, count = reference(start, pairs), 3 * size
    bound = Bound(scatter, start, pairs, count)
    copied = Bound(scatter, start, pairs, count, in_place=False)
    turns: dict[str, Turn] = {
        "NumPy": lambda: numpy_turn(optimizer, quadratic),
        "in place": lambda: bound_turn(bound, quadratic),
        "copied": lambda: bound_turn(copied, quadratic),
    }
    for name, step in (("run()", scatter), ("rewrite", rewrite)):
        plain = Plain(step, start, pairs)
        turns[name] = partial(plain.turn, quadratic)
    return turns


def measured(turns: Mapping[str, Turn], before: int, count: int) -> dict[str, float]:
    """Medians in milliseconds, of so many turns each after others that do not count."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(before + count):
        for name, turn in turns.items():
            times[name].append(1000 * turn())
    return {name: median(spent[before:]) for name, spent in times.items()}


def main() -> None:
    """Print a row for each size and history."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.steps")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--pairs", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--models", nargs="*", default=[model_folder.BUNDLED_MODEL])
    options = parser.parse_args()
    models = [Path(name).stem for name in options.models]
    columns = ["NumPy", "run()", "copied", "in place", "rewrite", *models]
    print(json.dumps(description(1)), "\n")
    print(f"| ms at | pairs | {' | '.join(columns)} |")
    print("|---|---|" + "---|" * len(columns))
    for size in options.sizes:
        spent = dict.fromkeys(models, 0.0)
        for name, path in zip(models, options.models, strict=True):
            spent |= measured({name: evaluation(path, size)}, 2, options.turns)
        for pairs in options.pairs:
            turns = contenders(size, pairs)
            spent |= measured(turns, pairs + 2, options.turns)
            row = [f"{spent[name]:.1f}" for name in columns]
            print(f"| {size} | {pairs} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
