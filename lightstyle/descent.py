"""The optimisation of one level of a run: watched, shown and kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from . import pyramid
from .checkpoint import Keeper
from .objective import Losses, Objective
from .optimize import OPTIMIZERS, Outcome, State, minimize
from .pyramid import Level
from .result import Progress
from .scene import Array, Scene
from .settings import Settings
from .variables import Pyramid

#: Sees every evaluation; raising `StopIteration` ends the run with the best picture.
Callback = Callable[[Progress], None]


@dataclass(frozen=True)
class Watch:
    """Shows and keeps what the optimisation of a level has come to.

    Attributes:
        callback: Who else wants to see it.
        keeper: Writes checkpoints.
        stage: The level's pictures.
        plan: All levels.
        level: Index of this one.
        history: Losses of all evaluations, which the objective adds to.
        began: When the run did, by `perf_counter`.
    """

    callback: Callback | None
    keeper: Keeper
    stage: Scene
    plan: Sequence[Level]
    level: int
    history: list[Losses]
    began: float

    def __call__(self, state: State) -> None:
        """See one evaluation; `StopIteration` of the callback ends the run."""
        seconds, history = perf_counter() - self.began, tuple(self.history)
        kept = state, history, seconds, self.level
        try:
            if self.callback is not None:
                self.callback(self._progress(state, history, seconds))
        except StopIteration:
            self.keeper.write(*kept)
            raise
        self.keeper.write_if_due(*kept)

    def _progress(
        self, state: State, history: tuple[Losses, ...], seconds: float
    ) -> Progress:
        begun = len(history) - state.evaluations
        left = pyramid.seconds_left(self.plan, self.level, history, begun)
        width, height = self.stage.size
        image = state.point.reshape(1, 3, height, width)
        number, count = self.level + 1, len(self.plan)
        settings, alpha_hw = self.stage.settings, self.stage.alpha_hw
        return Progress(
            history, settings, seconds, number, count, left, image, alpha_hw
        )


def descend(
    objective: Objective,
    start: Array,
    watch: Watch,
    resumed: State | None,
) -> Outcome:
    """Optimise one level until it has used the evaluations that are planned for it.

    Args:
        objective: Of the level.
        start: (1, 3, H, W).
        watch: Of the level.
        resumed: Where to go on, if it is a level that was interrupted.
    """
    before = len(objective.history) - (resumed.evaluations if resumed else 0)
    return minimize(
        objective,
        start.ravel(),
        watch.plan[watch.level].until - before,
        watch,
        optimizer=optimizer_name(watch.stage.settings),
        variables=Pyramid(start.shape[1:]),
        resumed=resumed,
    )


def optimizer_name(settings: Settings) -> str:
    """Of the optimiser that `settings` choose."""
    return OPTIMIZERS[0] if settings.optimizer == "auto" else settings.optimizer
