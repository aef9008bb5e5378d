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
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from ..arrays import Vector
from ..settings.choices import Optimizer
from .lbfgs import LBFGS
from .method import Descent, Evaluate, Method
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

    point: Vector
    loss: float
    evaluations: int
    status: Status


@dataclass(frozen=True, eq=False)
class State:
    """A run between two evaluations: all that `minimize` needs to continue it.

    Attributes:
        point: The best point so far; it is not modified later and may be kept.
        loss: The loss at `point`.
        evaluations: Number of calls of the objective so far.
        before: The lowest loss when the current descent began.
        optimizer: State of the method, whose arrays change with the next evaluation;
            None if the method is not resumable.
    """

    point: Vector
    loss: float
    evaluations: int
    before: float
    optimizer: dict[str, Any] | None


#: Yields the state after every evaluation; sent true, it ends the run.
Iteration = Generator[State, bool | None, Outcome]

#: Called after every evaluation; raising `StopIteration` ends the run.
Callback = Callable[[State], None]


def minimize(
    objective: Evaluate,
    method: Method,
    evaluations: int,
    callback: Callback,
    resumed: State | None = None,
) -> Outcome:
    """Minimise `objective` with at most `evaluations` calls of it.

    Args:
        objective: As of `iterate`.
        method: As of `iterate`.
        evaluations: As of `iterate`.
        callback: Sees the state of the run after every evaluation.
        resumed: As of `iterate`.
    """
    iteration = iterate(objective, method, evaluations, resumed)
    stopped = None
    while True:
        try:
            state = iteration.send(stopped)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        try:
            callback(state)
        except StopIteration:
            stopped = True
        del state


def iterate(
    objective: Evaluate,
    method: Method,
    evaluations: int,
    resumed: State | None = None,
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
    run = _Run(objective, method)
    if resumed is not None:
        run.resume(resumed)
        del resumed
    while True:
        steps = method.descend()
        with closing(steps):
            point = _advanced(steps, None)
            while point is not None:
                if run.count >= evaluations:
                    return run.outcome(Status.BUDGET_SPENT)
                answer = run.evaluate(point)
                del point
                if answer is None:
                    if math.isfinite(run.loss):
                        yield run.state()
                    return run.outcome(Status.NON_FINITE)
                point = _advanced(steps, answer)
                del answer
                if (yield run.state()):
                    return run.outcome(Status.CANCELLED)
        least = run.before - RESOLUTION * abs(run.before)
        if run.before < math.inf and run.loss >= least:
            return run.outcome(Status.CONVERGED)
        run.before = run.loss
        method.restart(run.point)


def _advanced(steps: Descent, answer: tuple[float, Vector] | None) -> Vector | None:
    """Return the next point of a descent, or None at its end."""
    try:
        return next(steps) if answer is None else steps.send(answer)
    except StopIteration:
        return None


class _Run:
    """Counts the evaluations of a minimisation and keeps the best point."""

    point: Vector  # set by the first evaluation, or when the run is resumed

    def __init__(self, objective: Evaluate, method: Method) -> None:
        self._objective = objective
        self._method = method
        self.count = 0
        self.loss = math.inf
        self.before = math.inf

    def resume(self, state: State) -> None:
        """Continue from `state`, whose arrays are copied."""
        self.point, self.loss = np.array(state.point), state.loss
        self.count, self.before = state.evaluations, state.before
        if state.optimizer is None:
            self._method.restart(self.point)
        else:
            self._method.restore(state.optimizer)

    def evaluate(self, point: Vector) -> tuple[float, Vector] | None:
        """Return loss and gradient at `point`, or None if they are not finite."""
        if self.count == 0:
            self.point = point
        self.count += 1
        loss, gradient = self._objective(point)
        if not (math.isfinite(loss) and self._method.finite(gradient)):
            return None
        if loss < self.loss:
            self.point, self.loss = point, loss
        return loss, gradient

    def outcome(self, status: Status) -> Outcome:
        """Return the best point and `status`."""
        loss = self.loss if math.isfinite(self.loss) else math.nan
        return Outcome(self.point, loss, self.count, status)

    def state(self) -> State:
        """Return all that is needed to continue."""
        state = self._method.state()
        return State(self.point, self.loss, self.count, self.before, state)
