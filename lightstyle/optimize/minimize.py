"""Minimises a loss with a fixed budget of evaluations, and tells how that ended.

A method decides where the loss is evaluated. What does not depend on the method is
here: the budget, which is kept exactly, the best point, the check for numbers that are
not finite, and the end. A method that finds no lower loss starts afresh from the best
point; only if that fails as well has the run converged.

Pixels are bounded, because the loss would otherwise be that of a picture nobody sees.
The demonstration's picture at 128 pixels, clipped to 0…255 only afterwards, had 4.4
times the reported loss; with bounds, that loss is reached.
"""

import math
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from ..settings.choices import Optimizer
from .lbfgs import LBFGS
from .method import Descent, Evaluate, Gradient, Method, Point
from .scipy_lbfgsb import ScipyLBFGSB

#: All methods by name.
METHODS: Final[Mapping[str, type[Method]]] = {
    Optimizer.LBFGS: LBFGS,
    Optimizer.LBFGSB: ScipyLBFGSB,
}

#: A fresh start that lowers the loss by less than this share has found nothing.
RESOLUTION: Final = 1e-6


class Status(Enum):
    """How an optimisation ended; the value is the explanation for the user."""

    CONVERGED = "no step lowers the loss by more than float32 can resolve"
    BUDGET_SPENT = "all iterations were used"
    CANCELLED = "stopped on request"
    NON_FINITE = "the loss stopped being a finite number"


@dataclass(frozen=True, eq=False)
class Outcome:
    """The best point that was evaluated, and how the run ended.

    Attributes:
        point: Where the loss was lowest; the start if no loss was finite.
        loss: The loss at `point`; NaN if no loss was finite.
        evaluations: Number of calls of the objective.
        status: Why the run ended.
    """

    point: Point
    loss: float
    evaluations: int
    status: Status


@dataclass(frozen=True, eq=False)
class MinimizerState:
    """A run between two evaluations: all that `minimize` needs to continue it.

    Attributes:
        point: The best point so far; it is not modified later and may be kept.
        loss: The loss at `point`.
        evaluations: Number of calls of the objective so far.
        before: The lowest loss when the current descent began.
        optimizer: State of the method, whose arrays change with the next evaluation;
            None if the method is not resumable.
    """

    point: Point
    loss: float
    evaluations: int
    before: float
    optimizer: Mapping[str, Any] | None


#: Yields the state after every evaluation; sent true, it ends the run.
Iteration = Generator[MinimizerState, bool | None, Outcome]


def minimize(
    objective: Evaluate,
    method: Method,
    evaluations: int,
    resumed: MinimizerState | None = None,
) -> Iteration:
    """Minimise `objective` with at most `evaluations` calls of it, step by step.

    Args:
        objective: Returns the loss and its gradient at a flat vector.
        method: The algorithm, set up with the start and its bounds.
        evaluations: Budget of calls, at least 1.
        resumed: State from which to continue a run with the same arguments. A
            resumable method continues as if it had not been interrupted; any other
            descends afresh from the best point.

    Yields:
        The state of the run after every evaluation. Drop it before the next one, which
        needs the memory.

    Returns:
        The best point, and how the run ended.
    """
    best: Point  # set by the first evaluation, or when the run is resumed
    count, least, before = 0, math.inf, math.inf
    if resumed is not None:
        best, least = np.array(resumed.point), resumed.loss
        count, before = resumed.evaluations, resumed.before
        if resumed.optimizer is None:
            method.restart(best)
        else:
            method.restore(resumed.optimizer)
        del resumed

    def state() -> MinimizerState:
        return MinimizerState(best, least, count, before, method.state())

    def outcome(status: Status) -> Outcome:
        return Outcome(best, least if math.isfinite(least) else math.nan, count, status)

    while True:
        with closing(method.descend()) as steps:
            point = _advanced(steps, None)
            while point is not None:
                if count >= evaluations:
                    return outcome(Status.BUDGET_SPENT)
                if count == 0:
                    best = point
                count += 1
                answer = loss, gradient = objective(point)
                if not (math.isfinite(loss) and method.finite(gradient)):
                    if math.isfinite(least):
                        yield state()
                    return outcome(Status.NON_FINITE)
                if loss < least:
                    best, least = point, loss
                del point, gradient  # only the method needs them from here on
                point = _advanced(steps, answer)
                del answer
                if (yield state()):
                    return outcome(Status.CANCELLED)
        if before < math.inf and least >= before - RESOLUTION * abs(before):
            return outcome(Status.CONVERGED)
        before = least
        method.restart(best)


def _advanced(steps: Descent, answer: tuple[float, Gradient] | None) -> Point | None:
    """Send an answer, at first None; return the next point, or None at the end."""
    try:
        return next(steps) if answer is None else steps.send(answer)
    except StopIteration:
        return None
