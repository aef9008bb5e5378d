"""Runs a minimisation to its end, with a callback in place of a generator."""

from collections.abc import Callable
from typing import Any

from lightstyle.optimize.method import Evaluate, Method
from lightstyle.optimize.minimize import Outcome, State, minimize

#: Called after every evaluation; raising `StopIteration` ends the run.
Callback = Callable[[State], Any]


def run(
    objective: Evaluate,
    method: Method,
    evaluations: int,
    callback: Callback = lambda state: None,
    resumed: State | None = None,
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
