"""A run: an optimisation through all levels, as a stream of events."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Final

import numpy as np

from ..arrays import Array
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..errors import TransferError
from ..losses.objective import DeviceObjective, Losses, Objective
from ..losses.targets import Targets
from ..losses.weights import Balance, term_weights
from ..optimize.method import Gradient, Method, Point
from ..optimize.minimize import MinimizerState, Outcome, Status, minimize
from ..records.record import Record
from ..records.snapshot import Snapshot
from .balance import corrected
from .descent import method_of, on_device, stays_on_device, targets_of
from .events import Evaluated, Event, Finished, LevelStarted, Listener
from .levels import Levels, seconds_left
from .plans import Plans
from .result import Progress, Result, record_notes
from .scene import Scene
from .start import start_image
from .structure import Structure
from .style_size import style_notes

#: Ends of a level after which there is no next one.
_ENDS: Final = (Status.CANCELLED, Status.NON_FINITE)


@dataclass(eq=False)
class Run:
    """One run, which can be iterated over once.

    Attributes:
        model: Evaluates.
        levels: Inputs at the size of each level.
        plans: Chooses the execution plans.
        balance: Weights of the loss; from level to level they are corrected.
        origin: The run's record before the first evaluation.
        began: When the run began, by `perf_counter`.
        saved: Where to resume.
        cancelled: Whether it ends after the evaluation in progress.
    """

    model: Model
    levels: Levels
    plans: Plans
    balance: Balance
    origin: Record
    began: float
    saved: Snapshot | None = None
    cancelled: bool = False
    _history: list[Losses] = field(default_factory=list, init=False)

    def cancel(self) -> None:
        """End the run after the evaluation in progress, with the best picture."""
        self.cancelled = True

    def __iter__(self) -> Generator[Event, None, None]:
        """Yield the events of the run, of which the last is `Finished`.

        Raises:
            TransferError: If there is no picture, because the loss of the starting
                image is not finite.
        """
        level, state, last = 0, None, len(self.levels.plan) - 1
        if self.saved is None:
            image = level_start = start_image(self.levels.scenes[0])
        else:
            self._history += self.saved.history
            level, state = self.saved.level, self.saved.state()
            image = self._canvas(state.point, level)
            kept = self.saved.level_start
            level_start = image if kept is None else np.array(kept)
        while True:
            outcome = yield from self._level(level, image, level_start, state)
            image, state = self._canvas(outcome.point, level), None
            if outcome.status in _ENDS or level == last:
                break
            image = level_start = self.levels.enlarged(image, level, level + 1)
            level += 1
        yield Finished(self._result(self.levels.enlarged(image, level, last), outcome))

    def _level(
        self, level: int, image: Array, level_start: Array, state: MinimizerState | None
    ) -> Generator[Event, None, Outcome]:
        """Optimise until the evaluations that are planned up to this level are used.

        Args:
            level: Index of the level.
            image: The canvas, (1, 3, h, w), where to start, or to resume.
            level_start: The canvas that the level started from.
            state: State of the optimisation, to resume.
        """
        scene, level_plan = self.levels.scenes[level], self.levels.plan[level]
        plan = self.plans.choose(scene)
        yield LevelStarted(level + 1, len(self.levels.plan), scene.size, plan)
        before = len(self._history) - (state.evaluations if state else 0)
        targets = targets_of(self.model, self.plans, scene, level_start)
        objective, method = self._descent(scene, plan, targets, image, level_start)

        def evaluate(point: Point) -> tuple[float, Gradient]:
            losses, gradient = objective(point)
            # Those of a canvas are told with the size of its picture.
            self._history.append(replace(losses, size=scene.size))
            return losses.total, gradient

        budget = level_plan.until - before
        steps = minimize(evaluate, method, budget, state)
        kept = level_start if self.levels.settings.matched_layers else None
        stop = None
        with closing(steps):
            while True:
                try:
                    now = steps.send(stop)
                except StopIteration as end:
                    outcome: Outcome = end.value
                    break
                yield self._evaluated(level, now, kept)
                del now
                stop = self.cancelled
        last = level == len(self.levels.plan) - 1
        if self.levels.corrected and not last and outcome.status not in _ENDS:
            canvas = self._canvas(outcome.point, level)
            share = Structure(self.model, scene, targets).lost(canvas)
            self.balance = corrected(self.balance, self.levels.settings, share)
        return outcome

    def _descent(
        self,
        scene: Scene,
        plan: ExecutionPlan,
        targets: Targets,
        image: Array,
        level_start: Array,
    ) -> tuple[Objective | DeviceObjective, Method]:
        """Return the objective and the method of a level."""
        settings = self.levels.settings
        at = start_image(scene) if settings.balance_layers else level_start
        weights = term_weights(self.model, settings, targets, at, self.balance)
        objective = Objective(self.model, targets, weights)
        if stays_on_device(self.model, settings, plan):
            return on_device(scene, objective, image, plan.history)
        return objective, method_of(scene, image, plan.history)

    def _evaluated(
        self, level: int, state: MinimizerState, level_start: Array | None
    ) -> Evaluated:
        plan, last = self.levels.plan, self.levels.scenes[-1]
        history = tuple(self._history)
        started = len(history) - state.evaluations
        # A copy is made where somebody looks at it.
        image = partial(self._canvas, state.point, level)
        progress = Progress(
            history=history,
            settings=self.levels.settings,
            seconds=perf_counter() - self.began,
            level=level + 1,
            levels=len(plan),
            level_began=started,
            seconds_left=seconds_left(plan, level, history, started),
            record=self._record(state.loss),
            alpha_hw=last.alpha_hw,
            _best_nchw=lambda: self.levels.enlarged(image(), level, len(plan) - 1),
            _composite=last.composite,
            photo=last.inputs.photo,
        )
        return Evaluated(progress, state, self.plans.known, level_start)

    def _result(self, image: Array, outcome: Outcome) -> Result:
        settings, scene = self.levels.settings, self.levels.scenes[-1]
        if outcome.status is Status.NON_FINITE and len(self._history) == 1:
            raise TransferError(
                "the loss of the start image is not a finite number: lower the "
                f"weights (style-weight is {self.balance.style:g}, content-weight "
                f"{self.balance.content:g}, tv-weight {self.balance.tv:g})"
            )
        image_hwc, notes = scene.composite(image)
        converged = outcome.status is Status.CONVERGED
        record = replace(self._record(outcome.loss), converged=converged)
        return Result(
            image_hwc=image_hwc,
            alpha_hw=scene.alpha_hw,
            status=outcome.status,
            loss=outcome.loss,
            history=tuple(self._history),
            seconds=perf_counter() - self.began,
            settings=settings,
            optimizer=settings.chosen_optimizer,
            record=record,
            notes=(
                *scene.inputs.notes,
                *style_notes(scene.inputs),
                *notes,
                *record_notes(record),
            ),
            photo=scene.inputs.photo,
        )

    def _record(self, loss: float) -> Record:
        """Return the record of the run so far, whose lowest loss is given."""
        used, count = dict(self.plans.used), len(self._history)
        return replace(
            self.origin,
            balance=self.balance,
            evaluations=count,
            loss=loss,
            layouts=used,
        )

    def _canvas(self, point: Point, level: int) -> Array:
        """Return a point of a level as a canvas, (1, 3, h, w)."""
        width, height = self.levels.scenes[level].frame.canvas
        return np.asarray(point).reshape(1, 3, height, width)


def play(run: Run, listeners: Sequence[Listener]) -> Result:
    """Go through a run and show each event to all listeners, in their order.

    Args:
        run: A run that was not iterated over yet.
        listeners: Each sees an event after those before it.

    Returns:
        The picture.
    """
    with closing(iter(run)) as events:
        for event in events:
            for listener in listeners:
                try:
                    listener(event)
                except StopIteration:
                    run.cancel()
            if isinstance(event, Finished):
                return event.result
            del event
    raise RuntimeError("a run ended without a result")
