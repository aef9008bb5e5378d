"""Drives pixels downhill: scipy's L-BFGS-B, with the truth about how it ended.

What scipy does that a picture must not suffer from, and what is done about it here:

* It takes a float32 loss that repeats itself for convergence even at tolerance 0, and
  gives up on a line search that noise has spoilt. Both are followed by a fresh start
  from the best point; only when that finds nothing lower is it convergence.
* It accepts NaN as a converged loss. The objective is checked on every evaluation.
* It counts steps. The budget here is evaluations, and is kept exactly.
* With bounds its first step is the plain gradient, whatever its scale. The loss is
  scaled so that this step is `FIRST_STEP` grey levels for each value.

The pixels are bounded. It costs a few seconds of set-up and about a tenth of a second a
step at 512 × 512 (``python -m tests.benchmarks.bounds``), and without it the loss is
that of a picture nobody sees: clipped to 0…255 afterwards, the demonstration's picture
at 128 pixels had 4.4 times the loss that was reported, and that the bounds reach.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: Loss and gradient at a point.
Objective = Callable[[Vector], tuple[float, Vector]]

#: Root mean square of the first step, in grey levels.
FIRST_STEP: Final = 1.0

#: Pairs of steps and gradient changes that L-BFGS remembers.
MEMORY: Final = 10

#: A fresh start that lowers the loss by less than this share has found nothing.
RESOLUTION: Final = 1e-6


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


#: Called after every evaluation with the best point so far; raising `StopIteration`
#: ends the run.
Watch = Callable[[Vector], None]


def minimize(
    objective: Objective,
    start: Vector,
    evaluations: int,
    watch: Watch,
    bounds: tuple[float, float] = (0.0, 255.0),
) -> Outcome:
    """Minimise `objective` from `start` with exactly `evaluations` calls at the most.

    Args:
        objective: Loss and gradient at a flat float64 vector.
        start: Flat float64 vector; not modified.
        evaluations: The budget, at least 1.
        watch: Sees the best point after every evaluation; it may keep the vector, which
            is not used again.
        bounds: Least and greatest value of every variable.
    """
    run = _Run(objective, np.clip(start, *bounds), evaluations, watch, bounds)
    try:
        while True:
            before = run.loss
            run.descend()
            if before < math.inf and run.loss >= before - RESOLUTION * abs(before):
                return run.outcome(Status.CONVERGED)
    except _EndOfRun as end:
        return run.outcome(end.status)


class _EndOfRun(Exception):  # noqa: N818 - a signal, not an error
    def __init__(self, status: Status) -> None:
        self.status = status


class _Run:
    """One minimisation: counts evaluations and keeps the best point of them all."""

    def __init__(
        self,
        objective: Objective,
        start: Vector,
        budget: int,
        watch: Watch,
        bounds: tuple[float, float],
    ) -> None:
        self.objective = objective
        self.budget = budget
        self.watch = watch
        self.point = start
        self.loss = math.inf
        self.count = 0
        self.bounds = bounds
        self.factor = 0.0  # of loss and gradient; from the first gradient of a descent

    def descend(self) -> None:
        """L-BFGS-B from the best point, until it gives up or `_EndOfRun` is raised."""
        from scipy.optimize import Bounds
        from scipy.optimize import minimize as scipy_minimize

        self.factor = 0.0

        options = {"maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
        limits = {"maxiter": 2**31 - 1, "maxfun": 2**31 - 1}
        scipy_minimize(
            self.evaluate,
            self.point,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(*(np.full(self.point.size, end) for end in self.bounds)),
            options={**options, **limits},
        )

    def evaluate(self, point: Vector) -> tuple[float, Vector]:
        if self.count == self.budget:
            raise _EndOfRun(Status.BUDGET_SPENT)
        point = point.copy()  # it is scipy's own buffer
        self.count += 1
        loss, gradient = self.objective(point)
        if not (math.isfinite(loss) and np.isfinite(gradient).all()):
            if math.isfinite(self.loss):
                with suppress(StopIteration):
                    self.watch(self.point)
            raise _EndOfRun(Status.NON_FINITE)
        if loss < self.loss:
            self.point, self.loss = point, loss
        try:
            self.watch(self.point)
        except StopIteration:
            raise _EndOfRun(Status.CANCELLED) from None
        if self.factor == 0.0:
            length = float(np.linalg.norm(gradient)) or 1.0
            self.factor = FIRST_STEP * math.sqrt(gradient.size) / length
        return self.factor * loss, self.factor * gradient

    def outcome(self, status: Status) -> Outcome:
        loss = self.loss if math.isfinite(self.loss) else math.nan
        return Outcome(self.point, loss, self.count, status)
