"""Runs the distillation: the training loop, its random choices, its checkpoints."""

import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export import CONTENT_LAYERS, STYLE_LAYERS
from export.errors import ExportError
from export.narrowing import MAPPED, WIDTHS
from export.reduce import Narrowed, narrow
from export.weights import read_weights
from lightstyle.contract import CHANNELS
from lightstyle.engine.threads import available_cpus

from .lessons import Lesson, grade, product_weights
from .muon import Muon
from .onpolicy import Runs
from .student import measured, scaled, unscaled
from .teacher import Teacher, read_picture

#: Numbers of pictures for the closed form and for the units.
_CALIBRATION: Final = 96
_UNITS: Final = 12
#: Steps between pictures from optimisations, at first and later; the number of pictures
#: at which that changes, and the number that is kept.
_EVERY: Final = (4, 16)
_FEW: Final = 40
_KEPT: Final = 192
#: New pictures are drawn more often: age is a uniform number to this power.
_NEWER: Final = 1.5

#: A lesson costs half as much as a step, so most pictures of the folder are drawn from
#: the latest ones: how many, and how often.
_RECENT: Final = 160
_AGAIN: Final = 0.75

_RATE: Final = 1.5e-4
_WARM_UP: Final = 50
#: Share of the steps, at the end, in which the step size falls to 0.
_FALL: Final = 0.5
#: Weight of the error in the product's style loss, at first and later; the step at
#: which it changes, when the layers are learnt.
_PRODUCT: Final = (8.0, 32.0)
_PRODUCT_FROM: Final = 300
#: Decay of the running average of the weights.
_AVERAGE: Final = 0.995
_REPORT: Final = 50
_CHECKPOINT: Final = 100


@dataclass
class _State:
    """The state of training, as a checkpoint holds it, without the lessons."""

    parameters: dict[str, Tensor]
    average: dict[str, Tensor]
    random: np.random.Generator
    runs: Runs
    optimiser: Muon = field(default_factory=Muon)
    step: int = 0
    #: Indices of the pictures that remain in this epoch.
    waiting: list[int] = field(default_factory=list)
    recent: list[int] = field(default_factory=list)
    own: list[NDArray[np.float32]] = field(default_factory=list)


class Training:
    """A distillation, continued from the checkpoint in `work` if there is one.

    Args:
        weights: File of VGG19 weights.
        paths: Training pictures, all of one size.
        work: Folder of the cache, the checkpoint and the result; must exist.
        seed: Seed of all random choices.

    Raises:
        WeightsError: The file is not VGG19's.
    """

    def __init__(
        self, weights: Path, paths: Sequence[Path], work: Path, seed: int
    ) -> None:
        torch.set_num_threads(available_cpus())
        self._paths, self._work = list(paths), work
        self._cache = work / "lessons"
        self._cache.mkdir(exist_ok=True)
        wide = read_weights(weights, channels={k: CHANNELS[k] for k in WIDTHS})
        self._teacher = Teacher(
            wide.kernels, wide.biases, wide.mean, tuple(WIDTHS), MAPPED
        )
        small = self._start(wide.kernels, wide.biases, wide.mean)
        sample = self._spread(_UNITS)
        self._units = measured(small, self._teacher.units(sample), sample)
        self._weights = product_weights(self._teacher, self._units, STYLE_LAYERS)
        parameters = scaled(small, self._units)
        average = {k: v.clone() for k, v in parameters.items()}
        random = np.random.default_rng(seed)
        self._state = _State(parameters, average, random, Runs(self._paths))
        if self._checkpoint.exists():
            self._state = pickle.loads(self._checkpoint.read_bytes())
        for value in self._state.parameters.values():
            value.requires_grad_()
        self._own = [self._own_lesson(picture) for picture in self._state.own]

    @property
    def _checkpoint(self) -> Path:
        return self._work / "checkpoint.pkl"

    def run(self, steps: int) -> None:
        """Train up to step number `steps` and print reports."""
        state, reports, since = self._state, [], time.monotonic()
        while state.step < steps:
            reports.append(self._step(self._rate(steps)))
            if state.step % _REPORT == 0:
                seconds = (time.monotonic() - since) / len(reports)
                self._report(steps, reports, seconds)
                reports, since = [], time.monotonic()
            if state.step % _CHECKPOINT == 0 or state.step == steps:
                self._save()

    def _step(self, rate: float) -> dict[str, NDArray[np.float32]]:
        state = self._state
        few = len(state.own) < _FEW
        if state.step % _EVERY[0 if few else 1] == 0:
            self._add_own()
        batch = [self._natural(), self._own[self._drawn_own()]]
        loss, report = grade(
            state.parameters,
            self._units,
            self._teacher,
            batch,
            self._weights,
            _PRODUCT[state.step >= _PRODUCT_FROM],
        )
        if not torch.isfinite(loss):
            message = f"the loss is not finite at step {state.step}: start again"
            raise ExportError(f"{message} with a smaller step size")
        torch.autograd.backward(loss)
        state.optimiser.step(state.parameters, rate)
        state.step += 1
        self._average()
        return report

    def _rate(self, steps: int) -> float:
        step = self._state.step
        rising = min(1.0, (step + 1) / _WARM_UP)
        return _RATE * rising * min(1.0, (steps - step) / (_FALL * steps))

    def _average(self) -> None:
        # Less of the past at first, when there is not much of it.
        past = min(_AVERAGE, (1 + self._state.step) / (10 + self._state.step))
        with torch.no_grad():
            for name, value in self._state.parameters.items():
                self._state.average[name].lerp_(value, 1 - past)

    def _natural(self) -> Lesson:
        path = self._paths[self._drawn_natural()]
        return Lesson(*self._teacher.kept_lesson(path, self._units.wide, self._cache))

    def _drawn_natural(self) -> int:
        state = self._state
        if len(state.recent) == _RECENT and state.random.random() < _AGAIN:
            return state.recent[state.random.integers(_RECENT)]
        if not state.waiting:
            state.waiting = state.random.permutation(len(self._paths)).tolist()
        drawn = state.waiting.pop()
        state.recent = [*state.recent, drawn][-_RECENT:]
        return drawn

    def _drawn_own(self) -> int:
        count = len(self._own)
        return count - 1 - int(count * self._state.random.random() ** _NEWER)

    def _add_own(self) -> None:
        state = self._state
        picture = state.runs.next_picture(
            state.parameters,
            self._units,
            self._teacher,
            (CONTENT_LAYERS, STYLE_LAYERS),
            state.random,
        )
        state.own = [*state.own, picture][-_KEPT:]
        self._own = [*self._own, self._own_lesson(picture)][-_KEPT:]

    def _own_lesson(self, picture: NDArray[np.float32]) -> Lesson:
        return Lesson(picture, self._teacher.lesson(picture, self._units.wide))

    def _start(
        self, kernels: Mapping[str, Any], biases: Mapping[str, Any], mean: Any
    ) -> Narrowed:
        """Return the closed form, cached in the folder."""
        kept = self._work / "start.pkl"
        if not kept.exists():
            small = narrow(
                lambda p: {k: v.numpy() for k, v in self._teacher.outputs(p).items()},
                kernels,
                biases,
                mean,
                WIDTHS,
                MAPPED,
                self._spread(_CALIBRATION),
            )
            _write(kept, pickle.dumps(small))
        start: Narrowed = pickle.loads(kept.read_bytes())
        return start

    def _spread(self, count: int) -> list[NDArray[np.float32]]:
        """Read `count` evenly spaced pictures, or all if there are fewer."""
        stride = max(1, len(self._paths) // count)
        return [read_picture(path) for path in self._paths[::stride][:count]]

    def _save(self) -> None:
        _write(self._checkpoint, pickle.dumps(self._state))
        partial = self._work / "model.partial.npz"
        tensors: dict[str, Any] = unscaled(self._state.average, self._units)
        np.savez(partial, **tensors)
        partial.replace(self._work / "model.npz")

    def _report(
        self,
        steps: int,
        reports: Sequence[Mapping[str, NDArray[np.float32]]],
        seconds: float,
    ) -> None:
        """Print mean errors in one line: folder's/own picture, features then Gram."""
        parts = []
        for name in reports[0]:
            means = np.mean([one[name] for one in reports], 0)
            errors = ", ".join("/".join(f"{e:.3f}" for e in row) for row in means)
            parts.append(f"{name} {errors}")
        head = f"{time.strftime('%H:%M:%S')} {self._state.step}/{steps} {seconds:.2f} s"
        line = f"{head} a step; " + "; ".join(parts)
        print(line, flush=True)
        with (self._work / "log.txt").open("a") as log:
            log.write(line + "\n")


def _write(path: Path, data: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
