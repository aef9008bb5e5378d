"""``python -m tests.benchmarks.bounds``: what bounds on the pixels would cost.

L-BFGS-B on a cheap quadratic of as many variables as a picture of 512 × 512 has, so
that nearly all the time is its own: set-up, and seconds for each of its steps.
"""

from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import minimize

from lightstyle.optimize import MEMORY

VARIABLES = 3 * 512 * 512
STEPS = 20


def seconds(bounds: Any, steps: int) -> float:
    """Time of a run of so many steps."""
    scales = np.linspace(1, 100, VARIABLES)

    def objective(x: Any) -> tuple[float, Any]:
        slope = scales * (x - 100)
        return 0.5 * float(slope @ (x - 100)), slope

    began = perf_counter()
    options = {"maxiter": steps, "maxcor": MEMORY, "ftol": 0, "gtol": 0}
    start = np.full(VARIABLES, 128.0)
    minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return perf_counter() - began


def main() -> None:
    """Print a row without bounds and one with."""
    print("| bounds | set-up and first step, s | s/step |")
    print("|---|---|---|")
    for name, bounds in (("none", None), ("0…255", [(0, 255)] * VARIABLES)):
        first = seconds(bounds, 1)
        each = (seconds(bounds, STEPS + 1) - first) / STEPS
        print(f"| {name} | {first:.2f} | {each:.3f} |", flush=True)


if __name__ == "__main__":
    main()
