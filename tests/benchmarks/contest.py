"""Contenders in processes of their own that take turns.

So what else the machine does falls on all of them alike, and the memory of each is its
own. After a turn nobody starts for a moment: onnxruntime's threads go on spinning for
some 40 ms, which would be taken from the next contender.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from select import select
from time import sleep
from typing import Any, Final, Self

from tests.benchmarks.task import Task

#: Seconds until the threads of the last contender are at rest.
REST: Final = 0.06

#: The longest turn that is waited for, in turns of the first contender and in seconds
#: on top: bfloat16 takes minutes on a processor that has no instructions for it.
PATIENCE: Final = (10, 20)


class Contender:
    """A task's process, and what it reported.

    Attributes:
        task: What it does.
        reports: One of each turn: ``seconds``, ``loss``, and ``memory``, the peak in
            bytes until then.
        failed: What went wrong; empty if nothing did.
        ended: How its optimiser ended; empty while it has not.
    """

    def __init__(self, task: Task) -> None:
        """Start the process, and wait until it is ready for its first turn."""
        self.task = task
        self.reports: list[dict[str, Any]] = []
        self.failed = self.ended = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.worker", task.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listen()

    def turn(self, line: str = "", patience: float | None = None) -> None:
        """Let it have a turn of so many seconds at most, unless it has none left."""
        if self.failed or self.ended:
            return
        sleep(REST)
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        report = self._listen(patience)
        if not (self.failed or self.ended):
            self.reports.append(report)

    def median(self, skip: int) -> float:
        """Median seconds of all turns but the first `skip`."""
        return statistics.median(self.seconds[skip:])

    @property
    def seconds(self) -> list[float]:
        """Seconds of each turn."""
        return [float(report["seconds"]) for report in self.reports]

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self, patience: float | None = None) -> dict[str, Any]:
        assert self._process.stdout is not None
        # Nothing is buffered here: there is one line for each that was sent.
        if select([self._process.stdout], [], [], patience)[0]:
            line = self._process.stdout.readline() or '{"failed": "the process died"}'
        else:
            self._process.kill()
            line = json.dumps({"failed": f"a turn took over {patience:.0f} s"})
        report: dict[str, Any] = json.loads(line)
        self.failed, self.ended = report.get("failed", ""), report.get("ended", "")
        return report


#: Turns that count for nothing, for code paths and memory to settle; and more where
#: an optimiser costs its usual time only when its history is full.
WARM_UP: Final = 1
WARM_UP_OPTIMISER: Final = 22


def warm_up(task: Task) -> int:
    """How many of the task's turns are not counted."""
    return WARM_UP_OPTIMISER if task.evaluations else WARM_UP


def contest(
    tasks: Sequence[Task], repeats: int, gradients: Path | None = None
) -> list[Contender]:
    """Let contenders take turns.

    Args:
        tasks: What each does.
        repeats: How many turns of each are counted.
        gradients: Folder for the gradient of the first turn of those without an
            optimiser, named by the task's place; none if nobody wants them.

    Returns:
        The contenders, their processes ended.
    """
    with ExitStack() as stack:
        contenders = [stack.enter_context(Contender(task)) for task in tasks]
        for number, contender in enumerate(contenders):
            patience = _patience(contenders[0])
            for turn in range(warm_up(contender.task)):
                wanted = gradients is not None and turn == 0
                path = f"{gradients}/{number}.npy" if wanted else ""
                contender.turn(path, patience)
            seconds = sum(contender.seconds)
            print(f"{contender.task.name}: warm after {seconds:.1f} s", file=sys.stderr)
        for _ in range(repeats):
            for contender in contenders:
                contender.turn(patience=_patience(contenders[0]))
    return contenders


def _patience(first: Contender) -> float | None:
    times, extra = PATIENCE
    return times * first.seconds[0] + extra if first.reports else None
