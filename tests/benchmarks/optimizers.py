"""``python -m tests.benchmarks.optimizers``: what an optimiser costs beside the model.

A cheap quadratic of as many variables as a picture of 512 × 512 has, minimised by each
optimiser: what passes between one evaluation and the next, first and in the median.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from scipy.optimize import minimize as scipy_minimize

from lightstyle.arrays import Vector
from lightstyle.optimize.curvature import HISTORY, History
from lightstyle.optimize.lbfgs import LBFGS
from lightstyle.optimize.preconditioner import PyramidMap
from lightstyle.optimize.scipy_lbfgsb import PAIRS, ScipyLBFGSB
from tests.support.minimizing import run

SHAPE = (3, 512, 512)
VARIABLES = 3 * 512 * 512
EVALUATIONS = 20


class Quadratic:
    """Notes the time between one call and the next."""

    def __init__(self) -> None:
        self.scales = np.linspace(1, 100, VARIABLES, dtype=np.float32)
        self.gaps: list[float] = []
        self.left = perf_counter()

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """Loss and gradient."""
        self.gaps.append(perf_counter() - self.left)
        slope = self.scales * (x - 100)
        loss = 0.5 * float(np.dot(slope, x - 100))
        self.left = perf_counter()
        return loss, slope


def unbounded_scipy(objective: Quadratic, evaluations: int) -> None:
    """Use scipy's L-BFGS-B as it is without bounds."""
    options = {"maxfun": evaluations, "maxcor": PAIRS, "ftol": 0, "gtol": 0}
    start = np.full(VARIABLES, 128.0)
    scipy_minimize(objective, start, jac=True, method="L-BFGS-B", options=options)


def bounded_scipy(objective: Quadratic, evaluations: int) -> None:
    """Use ``--optimizer lbfgsb``."""
    method = ScipyLBFGSB(np.full(VARIABLES, 128.0), (0, 255))
    run(objective, method, evaluations)


def compact(history: History, *, pyramid: bool) -> Callable[..., None]:
    """Use `LBFGS`, which ``--optimizer lbfgs`` drives."""

    def descend(objective: Quadratic, evaluations: int) -> None:
        optimizer = LBFGS(
            np.full(VARIABLES, 128.0),
            (0, 255),
            preconditioner=PyramidMap(SHAPE) if pyramid else None,
            history=history,
        )
        for _ in range(evaluations):
            optimizer.accept(*objective(optimizer.propose()))

    return descend


CONTENDERS: dict[str, Callable[[Quadratic, int], None]] = {
    "lbfgsb, no bounds": unbounded_scipy,
    "lbfgsb, 0…255": bounded_scipy,
    "lbfgs, pixels": compact(HISTORY, pyramid=False),
    "lbfgs, pyramid": compact(HISTORY, pyramid=True),
    "lbfgs, pyramid, history 10": compact(History(10), pyramid=True),
    "lbfgs, pyramid, 16 bits": compact(History(precision="f2"), pyramid=True),
}


def main() -> None:
    """Print a row for each contender."""
    print("| optimiser | set-up and first step, s | ms/evaluation |")
    print("|---|---|---|")
    for name, descend in CONTENDERS.items():
        objective = Quadratic()
        descend(objective, HISTORY.pairs + 2 + EVALUATIONS)
        first = sum(objective.gaps[:2])
        each = 1000 * median(objective.gaps[-EVALUATIONS:])  # the history is full
        print(f"| {name} | {first:.2f} | {each:.1f} |", flush=True)
    memory = LBFGS.footprint()
    most = memory.kept + memory.working
    print(f"\nlbfgs takes {most} bytes a variable, {memory.kept} between its steps.")


if __name__ == "__main__":
    main()
