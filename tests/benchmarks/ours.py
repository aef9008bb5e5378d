"""Lightstyle as a contender: evaluations of a model, and its optimiser.

Of the package it uses what anybody may; `optimise` is the only place in the benchmarks
that knows how the optimiser is called.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lightstyle import Model, contract
from lightstyle.arrays import PIXEL_RANGE, Vector
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import StyleTarget, Targets
from lightstyle.losses.weights import term_weights
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.minimize import MinimizerState
from lightstyle.optimize.preconditioner import PyramidMap
from tests.benchmarks import task as tasks
from tests.benchmarks.task import (
    SETTINGS,
    Array,
    Scene,
    Task,
    load_arrays,
    load_scene,
    save_arrays,
)
from tests.support.minimizing import run

#: Loss and gradient (1, 3, H, W) at the start.
Evaluate = Callable[[], tuple[float, Array]]


def save_targets(model: Path, scene: Scene, path: Path) -> None:
    """Compute the targets that the model at `model` is fed with, and keep them."""
    loaded = Model.load(model, "cpu")
    content, style = loaded.targets(scene.content), loaded.targets(scene.style)
    layers = loaded.info.content_layers, loaded.info.style_layers
    names = (
        *((contract.content_target(layer), content) for layer in layers[0]),
        *((contract.style_target(layer), style) for layer in layers[1]),
    )
    save_arrays(path, {name: targets[name] for name, targets in names})


def evaluator(task: Task, device: str = "cpu") -> Evaluate:
    """Evaluations of the task's model at the start, targets from a file."""
    start = load_scene(task.scene).start
    model = Model.load(task.network, device, task.threads)
    weights = tasks.term_weights(*start.shape[2:])
    feeds = target_and_weight_feeds(task, model)

    def evaluate() -> tuple[float, Array]:
        found = model.evaluate(start, feeds)
        loss = sum(weight * found.terms[term] for term, weight in weights.items())
        return loss, found.gradient

    return evaluate


def target_and_weight_feeds(task: Task, model: Model) -> dict[str, Array]:
    """All feeds but the picture; terms that are not in the loss weigh nothing."""
    terms = {
        contract.TV_LOSS: contract.TV_WEIGHT,
        **{
            contract.content_loss(layer): contract.content_weight(layer)
            for layer in model.info.content_layers
        },
        **{
            contract.style_loss(layer): contract.style_weight(layer)
            for layer in model.info.style_layers
        },
    }
    weights = tasks.term_weights(*load_scene(task.scene).start.shape[2:])
    scalars = {
        feed: np.array(weights.get(term, 0), np.float32) for term, feed in terms.items()
    }
    return {**load_arrays(task.targets), **scalars}


def objective(model: Model, scene: Scene) -> Objective:
    """The package's own loss as a function of a flat vector."""
    styles = [StyleTarget(0, 1.0, scene.style)]
    targets = Targets.of(
        model, SETTINGS, scene.start, content=scene.content, styles=styles
    )
    weights = term_weights(model, SETTINGS, targets, scene.start)
    return Objective(model, targets, weights)


def optimise(
    task: Task, turn: Callable[[float, Array], None], device: str = "cpu"
) -> str:
    """Run the optimiser as a transfer does.

    Args:
        task: What to minimise, and with how many evaluations.
        turn: Called before each evaluation with the last loss and the best picture so
            far.
        device: ``cpu`` or ``cuda``.

    Returns:
        How it ended, for people.
    """
    scene = load_scene(task.scene)
    goal = objective(Model.load(task.network, device, task.threads), scene)
    best = scene.start
    loss = np.nan

    def watch(state: MinimizerState) -> None:
        nonlocal best
        best = state.point.reshape(scene.start.shape)

    def gated(point: Vector) -> tuple[float, Vector]:
        nonlocal loss
        turn(loss, best)
        losses, gradient = goal(point)
        loss = losses.total
        return loss, gradient

    pyramid = PyramidMap(scene.start.shape[1:])
    method = LBFGS(scene.start.ravel(), PIXEL_RANGE, preconditioner=pyramid)
    outcome = run(gated, method, task.evaluations, watch)
    turn(loss, best)
    return outcome.status.value
