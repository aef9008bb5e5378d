"""Drives pixels downhill, with the truth about how it ended.

Two optimisers do the same job: the compact `LBFGS` of this package, and scipy's
L-BFGS-B, the reference that it is measured against. What they have in common is here:
the budget of evaluations, which is kept exactly, the best point, and the end.

What scipy does that a picture must not suffer from, and what is done about it:

* It takes a float32 loss that repeats itself for convergence even at tolerance 0, and
  gives up on a line search that noise has spoilt. Both are followed by a fresh start
  from the best point; only when that finds nothing lower is it convergence.
* It accepts NaN as a converged loss. The objective is checked on every evaluation.
* It counts steps, not evaluations.
* With bounds its first step is the plain gradient, whatever its scale. The loss is
  scaled so that this step is `FIRST_STEP` grey levels for each value.

The pixels are bounded: without it the loss is that of a picture nobody sees. Clipped to
0…255 afterwards, the demonstration's picture at 128 pixels had 4.4 times the loss that
was reported, and that the bounds reach.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Vector
from ..settings.choices import Optimizer
from .curvature import History
from .lbfgs import FIRST_STEP, HISTORY, LBFGS, root_mean_square
from .preconditioner import Preconditioner

#: Loss and gradient at a point.
Objective = Callable[[Vector], tuple[float, Vector]]

#: A fresh start that lowers the loss by less than this share has found nothing.
RESOLUTION: Final = 1e-6

#: Pairs that scipy remembers, which cost it twice the memory of `LBFGS`.
SCIPY_HISTORY: Final = 10


class Status(Enum):
    """How an optimisation ended; the value says it to a person."""

    CONVERGED = "no step lowers the loss by more than float32 can resolve"
    BUDGET_SPENT = "all iterations were used"
    CANCELLED = "stopped on request"
    NON_FINITE = "the loss stopped being a finite number"


@dataclass(frozen=True, eq=False)
class Outcome:
    """The best point that was evaluated, and how the run ended.

    Attributes:
        point: Where the loss was lowest; the start, if no loss was finite.
        loss: The loss there; NaN if no loss was finite.
        evaluations: Calls of the objective.
        status: Why there were no more.
    """

    point: Vector
    loss: float
    evaluations: int
    status: Status


@dataclass(frozen=True, eq=False)
class State:
    """A run between two evaluations: all that `minimize` needs to go on from there.

    Attributes:
        point: The best point so far, which is not used again and may be kept.
        loss: There.
        evaluations: Calls of the objective so far.
        before: The lowest loss when the present descent began.
        optimizer: `LBFGS.state()`, whose arrays change with the next evaluation; none
            of scipy's, which cannot tell.
    """

    point: Vector
    loss: float
    evaluations: int
    before: float
    optimizer: dict[str, Any] | None


#: Called after every evaluation; raising `StopIteration` ends the run.
Callback = Callable[[State], None]


def minimize(
    objective: Objective,
    start: Vector,
    evaluations: int,
    watch: Callback,
    bounds: tuple[float, float] = (0.0, 255.0),
    *,
    optimizer: str = Optimizer.LBFGS,
    variables: Preconditioner | None = None,
    frozen: NDArray[np.bool_] | None = None,
    history: History = HISTORY,
    resumed: State | None = None,
) -> Outcome:
    """Minimise `objective` from `start` with exactly `evaluations` calls at the most.

    Args:
        objective: Loss and gradient at a flat vector.
        start: Flat vector; not modified.
        evaluations: The budget, at least 1.
        watch: Sees the state of the run after every evaluation.
        bounds: Least and greatest value of every variable.
        optimizer: ``lbfgs``, compact and float32, or scipy's ``lbfgsb``, in float64.
        variables: Change of variables of ``lbfgs``; ``lbfgsb`` has none.
        frozen: Mask, flat, of variables that keep the value they have in `start`.
        history: What ``lbfgs`` remembers; as much as before if it goes on.
        resumed: Where to go on, of a run with the same arguments; `lbfgs` does as if
            nothing had been, `lbfgsb` descends anew from the best point.
    """
    run = _Run(objective, np.clip(start, *bounds), evaluations, watch)
    if optimizer == Optimizer.LBFGS:
        if resumed is not None and resumed.optimizer is not None:
            history = History.of(resumed.optimizer)
        run.compact = LBFGS(
            run.point, bounds, variables=variables, frozen=frozen, history=history
        )
    if resumed is not None:
        run.restore(resumed)
    descend: Callable[[], None] = partial(_descend_scipy, run, bounds, frozen)
    if run.compact is not None:
        descend = partial(_descend_compact, run, run.compact)
    try:
        while True:
            descend()
            least = run.before - RESOLUTION * abs(run.before)
            if run.before < math.inf and run.loss >= least:
                return run.outcome(Status.CONVERGED)
            run.begin_again()
    except _EndOfRun as end:
        return run.outcome(end.status)


class _EndOfRun(Exception):  # noqa: N818 - a signal, not an error
    def __init__(self, status: Status) -> None:
        self.status = status


class _Run:
    """One minimisation: counts evaluations and keeps the best point of them all."""

    def __init__(
        self, objective: Objective, start: Vector, budget: int, watch: Callback
    ) -> None:
        self.objective = objective
        self.budget = budget
        self.watch = watch
        self.point = start
        self.loss = math.inf
        self.count = 0
        self.before = math.inf
        self.compact: LBFGS | None = None

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self.point, self.loss = np.array(state.point, self.point.dtype), state.loss
        self.count, self.before = state.evaluations, state.before
        if self.compact is not None and state.optimizer is not None:
            self.compact.restore(state.optimizer)

    def begin_again(self) -> None:
        """Set out for a fresh descent from the best point."""
        self.before = self.loss
        if self.compact is not None:
            self.compact.restart(self.point)

    def evaluate(self, point: Vector) -> tuple[float, Vector]:
        """Loss and gradient at `point`, which may be kept."""
        if self.count >= self.budget:
            raise _EndOfRun(Status.BUDGET_SPENT)
        self.count += 1
        loss, gradient = self.objective(point)
        if not (math.isfinite(loss) and np.isfinite(gradient).all()):
            if math.isfinite(self.loss):
                with suppress(StopIteration):
                    self.watch(self.state())
            raise _EndOfRun(Status.NON_FINITE)
        if loss < self.loss:
            self.point, self.loss = point, loss
        return loss, gradient

    def report(self) -> None:
        """Show the state to whoever watches."""
        try:
            self.watch(self.state())
        except StopIteration:
            raise _EndOfRun(Status.CANCELLED) from None

    def state(self) -> State:
        inner = None if self.compact is None else self.compact.state()
        return State(self.point, self.loss, self.count, self.before, inner)

    def outcome(self, status: Status) -> Outcome:
        loss = self.loss if math.isfinite(self.loss) else math.nan
        return Outcome(self.point, loss, self.count, status)


def _descend_compact(run: _Run, optimizer: LBFGS) -> None:
    """From the best point until the optimiser stalls or `_EndOfRun` is raised."""
    while not optimizer.stalled:
        optimizer.accept(*run.evaluate(optimizer.propose()))
        run.report()


def _descend_scipy(
    run: _Run, bounds: tuple[float, float], frozen: NDArray[np.bool_] | None
) -> None:
    """From the best point until scipy gives up or `_EndOfRun` is raised."""
    from scipy.optimize import Bounds, minimize

    factor = 0.0  # of loss and gradient; from the first gradient

    def evaluate(point: Vector) -> tuple[float, Vector]:
        nonlocal factor
        loss, gradient = run.evaluate(point.copy())  # it is scipy's own buffer
        run.report()
        if factor == 0.0:
            factor = FIRST_STEP / (root_mean_square(gradient) or 1.0)
        return factor * loss, factor * gradient.astype(np.float64)

    least, most = (np.full(run.point.size, end) for end in bounds)
    if frozen is not None:
        least[frozen] = most[frozen] = run.point[frozen]
    options = {"maxcor": SCIPY_HISTORY, "ftol": 0.0, "gtol": 0.0}
    limits = {"maxiter": 2**31 - 1, "maxfun": 2**31 - 1}
    minimize(
        evaluate,
        run.point,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(least, most),
        options={**options, **limits},
    )
