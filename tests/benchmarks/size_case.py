"""A process for one size: ours within a budget, or PyTorch's evaluation.

Ours is what `lightstyle stylize` does: the forecast, targets, then evaluations and
steps with a history that is full. A cheap objective fills it beforehand, with more
accepted steps than it has pairs, since as many real ones would take hours. Then a
checkpoint is written.
"""

import json
import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightstyle import Model, images
from lightstyle.engine import memory
from lightstyle.errors import UsageError
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import Targets
from lightstyle.losses.weights import term_weights
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.preconditioner import PyramidMap
from lightstyle.records import archive
from lightstyle.transfer.forecast import forecast
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.levels import Levels
from lightstyle.transfer.plans import Plans
from lightstyle.transfer.scene import Scene
from lightstyle.transfer.start import start_image
from tests.benchmarks import task, torch_peers
from tests.benchmarks.machine import threads
from tests.benchmarks.worker import peak_memory

#: Evaluations that are timed.
EVALUATIONS: Final = 2


def ours(path: Path, width: int, height: int, budget: str) -> dict[str, Any]:
    """Layout, prediction and truth of a run."""
    model = Model.load(path, "cpu", threads(), memory.parse(budget))
    settings = replace(
        task.SETTINGS,
        size=max(width, height),
        iterations=EVALUATIONS,
        pyramid="off",
        init="content",
    )
    content, style = (images.load(_picture(height, width, n), role="x") for n in (1, 2))
    inputs = Inputs.read(settings, (width, height), content, (style,))
    scene = Scene(inputs, inputs.size)
    plans = Plans(model, {})
    try:
        plan = plans.choose(scene)
    except UsageError as error:
        return {"refused": str(error)}
    told = forecast(model, plans, Levels(inputs))
    began = perf_counter()
    start = start_image(scene)
    planned = zip(scene.style_targets(), plans.choose_styles(scene), strict=True)
    targets = Targets.of(
        model,
        settings,
        start,
        content=scene.content_pixels(),
        styles=[replace(style, tiling=plan.tiling) for style, plan in planned],
        tiling=plan.tiling,
    )
    weights = term_weights(model, settings, targets, start)
    objective = Objective(model, targets, weights)
    seconds = perf_counter() - began
    optimizer = LBFGS(
        start.ravel(),
        (0.0, 255.0),
        preconditioner=PyramidMap(start.shape[1:]),
        history=plan.history,
    )
    del start, targets
    _fill(optimizer, plan.history.pairs)
    began = perf_counter()
    each = []
    for _ in range(EVALUATIONS):
        losses, gradient = objective(optimizer.propose())
        optimizer.accept(losses.total, gradient)
        each.append(losses.seconds)
    seconds += perf_counter() - began
    _keep(optimizer)
    return {
        "layout": f"{plan.how}, {plan.history}",
        "predicted": plan.memory / 1e9,
        "peak": peak_memory() / 1e9,
        "told": told.seconds,
        "took": seconds,
        "each": min(each),
    }


def _picture(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Blocks of colour with noise: flat ground, edges and texture."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 200, (-(-height // 64), -(-width // 64), 3), np.uint8)
    whole = blocks.repeat(64, axis=0).repeat(64, axis=1)[:height, :width]
    noise = random.integers(0, 55, whole.shape, np.uint8)
    return np.asarray(whole + noise, np.uint8)


def _fill(optimizer: LBFGS, pairs: int) -> None:
    """Take more than `pairs` steps down a bowl that is higher than any real loss."""
    accepted = 0
    last = np.inf
    while accepted < pairs + 3:
        away = optimizer.propose() - np.float32(100)
        gradient = away * np.linspace(1e9, 2e9, away.size, dtype=np.float32)
        loss = float(np.dot(gradient, away)) / 2
        accepted, last = accepted + (loss < last), min(last, loss)
        del away
        optimizer.accept(loss, gradient)
        del gradient
    state = optimizer.state()
    if len(state["steps"]) != pairs:
        raise RuntimeError(f"{len(state['steps'])} pairs of {pairs}: not full")


def _keep(optimizer: LBFGS) -> None:
    """Write a checkpoint, as `CheckpointWriter` does."""
    state = optimizer.state()
    arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
    with tempfile.TemporaryDirectory() as folder:
        arrays["best"] = arrays["point"]
        archive.write(Path(folder) / "run.checkpoint", "{}", arrays)


def peer(network: Path, width: int, height: int) -> dict[str, Any]:
    """Memory and time of PyTorch's evaluation, without an optimiser."""
    import torch

    torch.set_num_threads(threads())
    most = resource.RLIM_INFINITY if not memory.available() else memory.available()
    resource.setrlimit(resource.RLIMIT_AS, (most, most))  # not the machine's end
    start, content, style = (
        _picture(height, width, n).transpose(2, 0, 1)[None].astype(np.float32)
        for n in range(3)
    )
    scene = task.Scene(start, content, style)
    try:
        run = torch_peers.Peer(task.load_arrays(network))
        targets = run.targets(scene)
        began = perf_counter()
        torch_peers.evaluate(run, run.tensor(start), targets)
    except (MemoryError, RuntimeError):
        return {"refused": f"out of memory ({most / 1e9:.0f} GB)"}
    return {"peak": peak_memory() / 1e9, "each": perf_counter() - began}


def main(side: str, path: str, width: str, height: str, budget: str = "") -> None:
    """Print the report of one case."""
    if side == "ours":
        print(json.dumps(ours(Path(path), int(width), int(height), budget)))
    else:
        print(json.dumps(peer(Path(path), int(width), int(height))))


if __name__ == "__main__":
    main(*sys.argv[1:])
