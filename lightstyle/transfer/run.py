"""The optimisation of a run, level by level: watched, shown and kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np

from ..arrays import PIXEL_RANGE, Array, Vector
from ..engine.model import Model
from ..losses.objective import Losses, Objective
from ..losses.targets import StyleTarget, Targets
from ..losses.weights import term_weights
from ..optimize.minimize import METHODS, Outcome, State, Status, minimize
from ..optimize.preconditioner import Pyramid
from ..records.checkpoint import CheckpointWriter
from ..records.record import Record
from ..records.snapshot import Snapshot
from ..settings.settings import Settings
from . import regions
from .layouts import Layouts
from .levels import Levels, seconds_left
from .result import Progress
from .scene import Scene
from .start import start_image

#: Sees every evaluation; raising `StopIteration` ends the run with the best picture.
Callback = Callable[[Progress], None]


@dataclass(frozen=True)
class Descent:
    """Goes through the levels of a run.

    Attributes:
        model: Evaluates.
        stages: The pictures of all levels.
        settings: Of the run.
        callback: Who wants to see every evaluation, if any.
        keeper: Writes checkpoints, if any.
        history: Losses of all evaluations, to which those to come are added.
        began: When the run did, by `perf_counter`.
        layouts: Say how each picture is computed.
        origin: The record of the run before its first evaluation.
    """

    model: Model
    stages: Levels
    settings: Settings
    callback: Callback | None
    keeper: CheckpointWriter | None
    history: list[Losses]
    began: float
    layouts: Layouts
    origin: Record

    def record(self, loss: float) -> Record:
        """Of the run as far as it has come, whose lowest loss is given."""
        used, count = dict(self.layouts.used), len(self.history)
        return replace(self.origin, evaluations=count, loss=loss, layouts=used)

    def run(self, picture: Array, saved: Snapshot | None) -> tuple[Array, Outcome]:
        """From the start `picture`, or from what was `saved`, to the end.

        Returns:
            The picture at its final size, (1, 3, H, W), 0…255, and how the last level
            that was begun ended.
        """
        level, state, last = 0, None, len(self.stages.plan) - 1
        begin = picture
        if saved is not None:
            level, state = saved.level, saved.state()
            picture = state.point.reshape(self._shape(level))
            start = saved.level_start
            begin = picture if start is None else np.array(start)
        while True:
            outcome = self._at(level, picture, begin, state)
            picture, state = outcome.point.reshape(self._shape(level)), None
            stopped = outcome.status in (Status.CANCELLED, Status.NON_FINITE)
            if stopped or level == last:
                return self.stages.enlarged(picture, level, last), outcome
            picture = begin = self.stages.enlarged(picture, level, level + 1)
            level += 1

    def _at(
        self, level: int, start: Array, begin: Array, state: State | None
    ) -> Outcome:
        """Optimise until the run has used the evaluations planned up to this level.

        From `start`; the level began with the picture `begin`.
        """
        scene = self.stages.scenes[level]
        layout = self.layouts.choose(scene)
        content, masks_rhw = scene.content_pixels(), scene.masks_rhw()
        frozen = None
        if scene.frozen_hw is not None and content is not None:
            start = np.where(scene.frozen_hw, content, start)
            frozen = np.broadcast_to(scene.frozen_hw, start.shape).ravel()
        targets = Targets.of(
            self.model,
            self.settings,
            begin,
            content=content,
            styles=self._styles(scene),
            region_feeds=(
                None
                if masks_rhw is None
                else regions.feeds(scene.inputs.regions, masks_rhw)
            ),
            tiling=layout.tiling,
        )
        balanced_at = start_image(scene) if self.settings.balance_layers else begin
        weights = term_weights(self.model, self.settings, targets, balanced_at)
        objective = Objective(self.model, targets, weights)
        del content, masks_rhw  # the targets are all that is needed of them

        def evaluate(point: Vector) -> tuple[float, Vector]:
            losses, gradient = objective(point)
            self.history.append(losses)
            return losses.total, gradient

        before = len(self.history) - (state.evaluations if state else 0)
        method = METHODS[self.settings.chosen_optimizer](
            start.ravel(),
            PIXEL_RANGE,
            preconditioner=Pyramid(start.shape[1:]),
            frozen=frozen,
            history=layout.history,
        )
        kept = begin if self.settings.matched_layers else None
        evaluations = self.stages.plan[level].until - before
        watch = partial(self._watch, level, kept)
        return minimize(evaluate, method, evaluations, watch, state)

    def _styles(self, scene: Scene) -> Iterator[StyleTarget]:
        """The styles of a scene, with the strips in which their targets are made."""
        layouts = self.layouts.choose_styles(scene)
        for style, layout in zip(scene.style_targets(), layouts, strict=True):
            yield replace(style, tiling=layout.tiling)

    def _watch(self, level: int, begin: Array | None, state: State) -> None:
        history, seconds = tuple(self.history), perf_counter() - self.began
        known = self.layouts.known

        def keep() -> None:
            if self.keeper is not None:
                self.keeper.write(state, history, seconds, level, known, begin)

        try:
            if self.callback is not None:
                self.callback(self._progress(level, state, history, seconds))
        except StopIteration:
            keep()
            raise
        if self.keeper is not None and self.keeper.due:
            keep()

    def _progress(
        self, level: int, state: State, history: tuple[Losses, ...], seconds: float
    ) -> Progress:
        plan, last = self.stages.plan, self.stages.scenes[-1]
        begun = len(history) - state.evaluations
        picture = state.point.reshape(self._shape(level))
        return Progress(
            history=history,
            settings=self.settings,
            seconds=seconds,
            level=level + 1,
            levels=len(plan),
            seconds_left=seconds_left(plan, level, history, begun),
            record=self.record(state.loss),
            _best_nchw=partial(self.stages.enlarged, picture, level, len(plan) - 1),
            _alpha_hw=last.alpha_hw,
            _composite=last.composite,
        )

    def _shape(self, level: int) -> tuple[int, int, int, int]:
        width, height = self.stages.plan[level].size
        return 1, 3, height, width
