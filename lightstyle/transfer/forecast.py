"""Forecasts the memory, the evaluations and the time of a run before it begins.

The time comes from a probe of about a second on the machine as it is now: a small
picture is evaluated, and the optimiser takes some steps. Both scale with the pixels.
"""

import math
from dataclasses import dataclass
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
from ..text import duration
from . import balance, regions
from .descent import stays_on_device
from .levels import Level, Levels, coarsest
from .plans import Plans
from .scene import Scene

#: Side of the probe's picture: small, but as fast per pixel as large ones.
_SIDE: Final = 224

#: Number of evaluations that are timed; the fastest counts.
_TIMED: Final = 3


@dataclass(frozen=True)
class Forecast:
    """What a run will take.

    Attributes:
        levels: Size of each level, and the evaluation that it ends with.
        layout: Execution plan at the final size, with the memory it takes.
        seconds: Time of the whole run.
        decoding: Bytes that the process needs while it reads the pictures.
        styles: Bytes that it needs while it computes the targets of the styles.
        workers: Workers of a cluster that compute the final size, if there are bands.
    """

    levels: tuple[Level, ...]
    layout: ExecutionPlan
    seconds: float
    decoding: int = 0
    styles: int = 0
    workers: int = 0

    @property
    def memory(self) -> int:
        """Bytes that the process is expected to need; 0 if the device does not tell."""
        needs = self.layout.memory, self.decoding, self.styles
        return self.layout.memory and max(needs)

    @property
    def table(self) -> dict[str, str]:
        """The forecast as text, by topic."""
        sizes = [f"{level.size[0]}x{level.size[1]}" for level in self.levels]
        ends = [0, *(level.until for level in self.levels)]
        counts = [str(end - begin) for begin, end in pairwise(ends)]
        shares = f" ({' + '.join(counts)})" if len(counts) > 1 else ""
        table = {
            "size": sizes[-1],
            "levels": ", ".join(sizes),
            "iterations": f"{ends[-1]}{shares}",
            "computed": f"{self.layout.how}, {self.layout.history}",
            "memory": f"{self.memory / 1e9:.2f} GB",
            "time": f"about {duration(self.seconds)}",
        }
        if not self.memory:  # unknown on this device
            del table["memory"]
        if self.layout.bands:
            each = f"{self.layout.worker_memory / 1e9:.2f} GB"
            table["workers"] = f"{self.workers}, {each} each"
            table["moved"] = f"{self.layout.moved / 1e6:.0f} MB an iteration"
        return table

    def __str__(self) -> str:
        """Return the forecast on one line."""
        table = self.table
        start = f"{table['size']}, {self.levels[-1].until} iterations, "
        if len(self.levels) > 1:
            start += f"{len(self.levels)} levels, "
        if "memory" in table:
            start += f"{table['memory']}, "
        if "workers" in table:
            start += f"workers {table['workers']}, "
        return f"{start}{table['time']}; computed {table['computed']}"


def forecast(model: Model, plans: Plans, levels: Levels, done: int = 0) -> Forecast:
    """Forecast a run.

    Args:
        model: Model of the run.
        plans: Chooses its execution plans.
        levels: Levels of the run.
        done: Evaluations before the run is resumed.

    Raises:
        UsageError: If the allowed memory is not enough, as the run would.
    """
    chosen = [plans.choose(scene) for scene in levels.scenes]
    probe = spread = _Probe(model, levels.scenes[-1], chosen[-1])
    if any(plan.bands for plan in chosen):
        spread = _Probe(model, levels.scenes[-1], chosen[-1], elsewhere=True)
    seconds, styles = 0.0, 0
    if not done:
        seconds += probe.balance(levels.scenes[-1])
    for level, plan, scene in zip(levels.plan, chosen, levels.scenes, strict=True):
        evaluations, done = level.until - done, max(done, level.until)
        if evaluations > 0:
            own = spread if plan.bands else probe
            seconds += own.seconds(level, plan, evaluations)
            # Another's plans: those that a run has used are part of its record.
            targets = Plans(model, plans.known).choose_styles(scene)
            for (size, _), each in zip(scene.style_sizes(), targets, strict=True):
                pixels = math.prod(Frame(size).canvas)
                seconds += pixels * each.overhead * probe.targets
                styles = max(styles, each.memory)
    decoding = levels.scenes[-1].inputs.decoding
    count = model.workers.count if model.workers else 0
    workers = min(chosen[-1].bands, count)
    return Forecast(levels.plan, chosen[-1], seconds, decoding, styles, workers)


class _Probe:
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
