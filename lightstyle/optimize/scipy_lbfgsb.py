"""SciPy's L-BFGS-B in float64: the reference that `LBFGS` is measured against.

SciPy does three things that would spoil a picture:

* It takes a float32 loss that repeats itself for convergence even at tolerance 0, and
  gives up on a line search that noise has spoilt. `minimize` starts afresh after both.
* It counts steps instead of evaluations. `minimize` counts evaluations.
* With bounds, its first step is the plain gradient, whatever its scale. Here the loss
  is scaled so that this step is `FIRST_STEP` grey levels for each value.
"""

from queue import SimpleQueue
from threading import Thread
from typing import ClassVar, Final

import numpy as np

from ..arrays import Vector
from .curvature import History
from .method import FIRST_STEP, Descent, Evaluate, Footprint, Method
from .vectors import root_mean_square

#: Pairs that SciPy remembers; each takes twice the memory that it takes in `LBFGS`.
PAIRS: Final = 10


class _Abandoned(Exception):  # noqa: N818 - a signal, not an error
    """The descent was closed before SciPy gave up."""


class ScipyLBFGSB(Method):
    """Adapter of ``scipy.optimize.minimize(method="L-BFGS-B")``."""

    resumable: ClassVar[bool] = False

    @staticmethod
    def footprint(history: History) -> Footprint:
        """Return the memory that SciPy takes, bounds and copies included."""
        return Footprint(kept=248, working=0)

    def restart(self, point: Vector) -> None:
        """Set the point that the next descent starts at."""
        self._start = point

    def descend(self) -> Descent:
        """Run SciPy until it gives up.

        SciPy calls the objective, where a descent yields to it, so it runs in a thread
        of its own; only one of the two threads works at a time.
        """
        points: SimpleQueue[Vector | None] = SimpleQueue()
        answers: SimpleQueue[tuple[float, Vector] | None] = SimpleQueue()
        failures: list[BaseException] = []

        def evaluate(point: Vector) -> tuple[float, Vector]:
            points.put(point.copy())  # SciPy reuses its buffer
            answer = answers.get()
            if answer is None:
                raise _Abandoned
            return answer

        def run() -> None:
            try:
                self._minimize(evaluate)
            except _Abandoned:
                pass
            except BaseException as error:
                failures.append(error)
            finally:
                points.put(None)

        thread = Thread(target=run, name="L-BFGS-B", daemon=True)
        thread.start()
        try:
            while (point := points.get()) is not None:
                answers.put((yield point))
        finally:
            answers.put(None)
            thread.join()
        if failures:
            raise failures[0]

    def _minimize(self, evaluate: Evaluate) -> None:
        from scipy.optimize import Bounds, minimize

        factor = 0.0  # scales loss and gradient; set from the first gradient

        def scaled(point: Vector) -> tuple[float, Vector]:
            nonlocal factor
            loss, gradient = evaluate(point)
            if factor == 0.0:
                factor = FIRST_STEP / (root_mean_square(gradient) or 1.0)
            return factor * loss, factor * gradient.astype(np.float64)

        least, most = (np.full(self._start.size, end) for end in self._bounds)
        if self._frozen is not None:
            least[self._frozen] = most[self._frozen] = self._start[self._frozen]
        options = {"maxcor": PAIRS, "ftol": 0.0, "gtol": 0.0}
        limits = {"maxiter": 2**31 - 1, "maxfun": 2**31 - 1}
        minimize(
            scaled,
            self._start,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(least, most),
            options={**options, **limits},
        )
