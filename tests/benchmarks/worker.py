"""A process for one contender: a turn for every line it is sent, a report for each.

A turn of a task without an optimiser is one loss and gradient. With one, it is an
evaluation and all that the optimiser does until it asks for the next. The clock runs
during turns only: what is done before the first (loading, targets) and after one
(keeping a picture or a gradient) costs nobody anything.
"""

import sys
from contextlib import redirect_stdout
from json import dumps
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import numpy as np

from tests.benchmarks import ours, torch_peers
from tests.benchmarks.frames import append_frame
from tests.benchmarks.task import Array, Task


class Turns:
    """The contender's end of the conversation."""

    def __init__(self, reports: TextIO) -> None:
        self._reports = reports
        self._began: float | None = None
        self._seconds = 0.0

    def begin(self) -> str:
        """Wait for a line, and return it; the end of the process if there is none."""
        line = sys.stdin.readline()
        if not line:
            raise SystemExit
        self._began = perf_counter()
        return line.strip()

    def stop(self) -> bool:
        """Stop the clock; false if it was not running, before the first turn."""
        if self._began is None:
            return False
        self._seconds = perf_counter() - self._began
        self._began = None
        return True

    def report(self, loss: float) -> None:
        """Tell of the turn that was stopped last."""
        self.say(seconds=self._seconds, loss=loss, memory=peak_memory())

    def say(self, **report: Any) -> None:
        """Send a line."""
        print(dumps(report), file=self._reports, flush=True)


def peak_memory() -> int:
    """Most memory this process has had resident, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def evaluate(task: Task, turns: Turns) -> None:
    """Serve evaluations; a line that is not empty is where to save the gradient."""
    evaluator = _engine(task).evaluator(task)
    turns.say()
    while True:
        path = turns.begin()
        loss, gradient = evaluator()
        turns.stop()
        if path:
            np.save(path, gradient)
        turns.report(loss)


def optimise(task: Task, turns: Turns) -> None:
    """Serve evaluations that an optimiser asks for, its own work included."""

    def turn(loss: float, picture: Array) -> None:
        if turns.stop():
            if task.frames:
                append_frame(Path(task.frames), picture)
            turns.report(loss)
        else:
            turns.say()
        turns.begin()

    ended = _engine(task).optimise(task, turn)
    turns.say(ended=ended)


def _engine(task: Task) -> Any:
    return {"lightstyle": ours, "torch": torch_peers}[task.side]


def main(text: str) -> None:
    """Do the task that `text` says; what goes wrong is a report, too."""
    task, turns = Task.from_json(text), Turns(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):  # libraries print
            (optimise if task.evaluations else evaluate)(task, turns)
    except Exception as error:
        turns.say(failed=f"{type(error).__name__}: {error}".splitlines()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
