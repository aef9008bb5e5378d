"""Runs that race: their processes take turns, one judge looks at their pictures."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from lightstyle import Model
from tests.benchmarks import ours
from tests.benchmarks.contest import Contender
from tests.benchmarks.frames import read_frame
from tests.benchmarks.task import Array, Scene, Task
from tests.benchmarks.track import Track


class Judge:
    """The loss of a picture, in float32 by a model, as the package computes it."""

    def __init__(self, model: Path, scene: Scene, threads: int) -> None:
        self.shape = scene.start.shape
        self._objective = ours.objective(Model.load(model, "cpu", threads), scene)

    def loss(self, pixels: Array) -> float:
        """Loss of a picture (1, 3, H, W), clipped to 0…255."""
        point = np.clip(pixels, 0, 255).astype(np.float64).ravel()
        return self._objective(point)[0].total


class Run:
    """One side of a race: its process, its pictures and its track."""

    def __init__(self, task: Task, judge: Judge, start: float) -> None:
        self.contender = Contender(task)
        self.track = Track(task.name, start)
        self._judge, self._frames = judge, Path(task.frames)

    def turn(self) -> None:
        """Let it have a turn."""
        self.contender.turn()
        self.track.seconds = self.contender.seconds
        self.track.ended = self.contender.ended or self.contender.failed

    def loss(self, call: int) -> float:
        """Loss of the picture after a call, from 1; each is judged once."""
        losses = self.track.losses
        if call not in losses:
            frame = read_frame(self._frames, call, self._judge.shape)
            losses[call] = self._judge.loss(frame)
        return losses[call]

    def judge_now(self) -> None:
        """Judge the picture that it has now."""
        if self.track.seconds:
            self.loss(len(self.track.seconds))


def race(
    tasks: Sequence[Task],
    judge: Judge,
    scene: Scene,
    judged: Sequence[int],
    look: Callable[[int, list[Run]], None],
) -> list[Run]:
    """Let everybody take turns, as many as the last number of `judged`.

    Args:
        tasks: What each does, with a file for its frames.
        judge: Of the pictures.
        scene: What all of them start from.
        judged: After which turns the pictures are judged, ascending.
        look: Called then.

    Returns:
        The runs; their processes have ended, their pictures are still there.
    """
    start = judge.loss(scene.start)
    with ExitStack() as stack:
        runs = [Run(task, judge, start) for task in tasks]
        for run in runs:
            stack.enter_context(run.contender)
        for call in range(1, judged[-1] + 1):
            for run in runs:
                run.turn()
            if call in judged:
                for run in runs:
                    run.judge_now()
                look(call, runs)
    return runs
