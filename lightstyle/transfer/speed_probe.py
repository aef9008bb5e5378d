"""Times a model for about a second on the machine as it is now.

A small picture is evaluated, and the optimiser takes some steps. Both scale with the
pixels.
"""

import math
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np

from ..arrays import PIXEL_RANGE, Vector
from ..engine import memory
from ..engine.banding import band_plans
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..images.frame import Frame
from ..losses.objective import Objective
from ..losses.targets import StyleTarget, Targets
from ..losses.weights import term_weights
from ..optimize.curvature import History
from ..optimize.device import DeviceLBFGS
from ..optimize.method import Gradient, Point
from ..optimize.minimize import METHODS, minimize
from ..optimize.preconditioner import PyramidMap
from . import balance, regions
from .descent import stays_on_device
from .levels import Level, coarsest
from .scene import Scene

#: Side of the probe's picture: small, but as fast per pixel as large ones.
_SIDE: Final = 224

#: Number of evaluations that are timed; the fastest counts.
_TIMED: Final = 3


class SpeedProbe:
    """Times a small picture on a model, and estimates levels of a run from it.

    Attributes:
        start: Seconds to prepare for a size.
        evaluation: Seconds per pixel of an evaluation; with the step that follows it,
            where pictures stay on the device.
        targets: Seconds per pixel of a picture's targets.
    """

    def __init__(
        self,
        model: Model,
        scene: Scene,
        plan: ExecutionPlan,
        *,
        elsewhere: bool = False,
    ) -> None:
        workers = model.workers if elsewhere else None
        layout = None
        if workers is not None and model.costs is not None:
            keeps = plan.tiling is not None and plan.tiling.keeps
            layouts = band_plans(workers, model.costs, (_SIDE, _SIDE))
            layout = next(each for each in layouts if each.tiling.keeps == keeps)
        tiling, overhead = (layout.tiling, layout.overhead) if layout else (None, 1.0)
        self._bandwidth = workers.bandwidth if workers else math.inf
        settings, count = scene.settings, scene.region_count
        painted = range(max(1, count)) if scene.inputs.styles else ()
        region_feeds = None
        if count:
            whole = np.ones((count, _SIDE, _SIDE), np.float32)
            region_feeds = regions.feeds(scene.inputs.regions, whole)
        noise = np.random.default_rng(0).random((1, 3, _SIDE, _SIDE), np.float32)
        self._scene = scene
        self._picture = noise * np.float32(255)
        self._method = METHODS[settings.chosen_optimizer]
        began = perf_counter()
        targets = Targets.of(
            model,
            settings,
            self._picture,
            content=None if scene.inputs.content is None else self._picture,
            styles=[StyleTarget(n, 1.0, self._picture) for n in painted],
            region_feeds=region_feeds,
            tiling=tiling,
        )
        weights = term_weights(model, settings, targets, self._picture)
        objective = Objective(model, targets, weights)
        objective(self._picture.ravel())
        first = perf_counter() - began
        self._on_device = stays_on_device(model, settings, plan)
        if self._on_device:
            best = self._with_step(objective, plan.history)
        else:
            point = self._picture.ravel()
            best = min(objective(point)[0].seconds for _ in range(_TIMED))
        self.evaluation = best / overhead / _SIDE**2
        self.start = max(0.0, first - best)
        began = perf_counter()
        model.targets(self._picture, tiling)  # also lets go of the probe's memory
        self.targets = (perf_counter() - began) / overhead / _SIDE**2
        memory.give_back()

    def seconds(self, level: Level, plan: ExecutionPlan, evaluations: int) -> float:
        """Estimate the seconds of a level."""
        settings = self._scene.settings
        runs = evaluations * self.evaluation + self.targets
        if settings.balance_layers:  # the gradient of each by itself
            runs += len(settings.style_layers.used) * self.evaluation
        steps = evaluations * self.step(plan.history)
        pixels = math.prod(Frame(level.size).canvas)
        sent = evaluations * plan.moved / self._bandwidth
        return self.start + pixels * (plan.overhead * runs + steps) + sent

    def balance(self, scene: Scene) -> float:
        """Estimate the seconds in which the weights of a run are found."""
        pixels = math.prod(Frame(coarsest(scene.size)).canvas)
        return pixels * balance.evaluations(scene.inputs) * self.evaluation

    def step(self, history: History) -> float:
        """Time a step with a full history; returns seconds per pixel."""
        if self._on_device:  # timed with the evaluation
            return 0.0
        start, pyramid = self._picture.ravel(), PyramidMap((3, _SIDE, _SIDE))
        method = self._method(
            start, PIXEL_RANGE, preconditioner=pyramid, history=history
        )
        curvature = np.linspace(1, 9, start.size, dtype=np.float32)
        times, left = [], perf_counter()

        def bowl(point: Vector) -> tuple[float, Vector]:
            nonlocal left
            times.append(perf_counter() - left)
            away = point - np.float32(100)
            gradient = curvature * away
            loss = float(gradient @ away) / 2
            left = perf_counter()
            return loss, gradient

        for _ in minimize(bowl, method, history.pairs + _TIMED + 1):
            pass
        return median(times[-_TIMED:]) / _SIDE**2

    def _with_step(self, objective: Objective, history: History) -> float:
        """Time evaluations with their steps on the device; returns seconds."""
        free_hw = np.ones((_SIDE, _SIDE), np.float32)
        placed = objective.on_device(free_hw, history.pairs)
        method = DeviceLBFGS(self._picture, placed.device, history=history)
        began: list[float] = []

        def evaluate(point: Point) -> tuple[float, Gradient]:
            began.append(perf_counter())
            losses, answer = placed(point)
            return losses.total, answer

        for _ in minimize(evaluate, method, _TIMED + 2):
            pass
        return min(after - before for before, after in pairwise(began))
