"""A loss to minimise, and minimisations to their end, with callbacks for generators."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lightstyle.optimize.method import Evaluate, Method
from lightstyle.optimize.minimize import MinimizerState, Outcome, minimize


def rough_bowl(x: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours that pull at each other and a goal partly out of bounds.

    Returns:
        Partial sums of the loss, by rows of that width, and its gradient.
    """
    x = x.astype(np.float64).ravel()
    goal = 127 + 200 * np.sin(np.arange(x.size) / 7)
    steps = np.diff(x)
    gradient = 4 * (x - goal) ** 3 / 1e4 + (x - goal)
    gradient[1:] += 40 * steps
    gradient[:-1] -= 40 * steps
    far = (x - goal) ** 2
    rows = (far**2 / 1e4 + far / 2).reshape(-1, width).sum(axis=1)
    return np.append(rows, 20 * np.sum(steps**2)), gradient


#: Called after every evaluation; raising `StopIteration` ends the run.
Callback = Callable[[MinimizerState], Any]


def run(
    objective: Evaluate,
    method: Method,
    evaluations: int,
    callback: Callback = lambda state: None,
    resumed: MinimizerState | None = None,
) -> Outcome:
    """Minimise `objective` and show each state to `callback`."""
    iteration, stopped = minimize(objective, method, evaluations, resumed), None
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
