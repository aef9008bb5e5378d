"""The report on many pictures: a line for each, a bar, and a table at the end."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Self

from ..errors import BatchError
from ..jobs.failures import Failure
from ..jobs.task import TaskOutcome, TaskState
from ..text import counted, duration, one_line, printable
from .console import Bar, columns, note, say, show


class Report:
    """Collects outcomes and prints each on stderr as it comes."""

    def __init__(self, total: int | None, *, quiet: bool) -> None:
        """Expect `total` pictures, if known; if `quiet`, print failures only."""
        self._total, self._quiet = total, quiet
        self._began = perf_counter()
        self._bar = Bar(total or 0, lines=0, quiet=quiet or not total)
        #: The latest outcome of each picture, by name.
        self.outcomes: dict[str, TaskOutcome] = {}

    def __enter__(self) -> Self:
        """Show a bar, if stderr is a terminal and the number of pictures is known."""
        self._bar.__enter__()
        self._show_progress()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        self._bar.__exit__(*error)

    def add(self, name: str, outcome: TaskOutcome) -> None:
        """Take the outcome of the picture called `name`, and print it."""
        self.outcomes[name] = outcome
        failed = outcome.state is TaskState.FAILED
        if self._quiet and not failed:
            return
        of = "" if self._total is None else f"/{self._total}"
        name = printable(name)
        line = f"{len(self.outcomes)}{of} {name}: {_told(outcome)}{self._time_left()}"
        say(one_line(line))
        for line in () if self._quiet else outcome.notes:
            note(f"{name}: {printable(line)}")
        self._show_progress()

    @property
    def failed(self) -> dict[str, TaskOutcome]:
        """Outcomes of the pictures that failed, by name."""
        found = self.outcomes.items()
        return {name: each for name, each in found if each.state is TaskState.FAILED}

    @property
    def left(self) -> int:
        """Return how many pictures are left, as far as that is known."""
        return max(0, (self._total or 0) - len(self.outcomes))

    @property
    def counts(self) -> str:
        """Return how many pictures have each state and how many are left, in words."""
        states = [outcome.state for outcome in self.outcomes.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in TaskState)
        left = f", {self.left} left" if self.left else ""
        return f"{counted(len(states), 'picture')}: {counts}{left}"

    def print_table(self) -> None:
        """Print what became of each picture, sorted by name, and counts."""
        found = sorted(self.outcomes.items(), key=lambda item: Path(item[0]))
        columns([(each.state, printable(n), _short(each)) for n, each in found])
        show(self.counts)

    def failures(self, roots: Mapping[Path, Path]) -> Iterator[Failure]:
        """Yield the entries of a failures list.

        Args:
            roots: Root of each picture, by path. Folders that could not be read have
                none, and no entry.
        """
        for name, each in sorted(self.failed.items()):
            path = Path(name)
            if path in roots:
                yield Failure(path, roots[path], each.code, each.reason)

    def _show_progress(self) -> None:
        done = len(self.outcomes)
        self._bar.update(done, f"{done}/{self._total} pictures{self._time_left()}")

    def _time_left(self) -> str:
        """Return words on the time left, judged by the pictures that were painted."""
        states = [outcome.state for outcome in self.outcomes.values()]
        painted = states.count(TaskState.DONE)
        if not (painted and self.left):
            return ""
        each = (perf_counter() - self._began) / painted
        return f", about {duration(each * self.left)} left"

    def conclude(self) -> None:
        """Raise an error if a picture failed.

        Raises:
            BatchError: Says how many failed.
        """
        if count := len(self.failed):
            pictures = counted(len(self.outcomes), "picture")
            raise BatchError(f"{count} of {pictures} failed")


def _told(outcome: TaskOutcome) -> str:
    comma = "" if outcome.levels_hwc is not None else ","
    return f"{outcome.state}{comma} {_detail(outcome)}"


def _short(outcome: TaskOutcome) -> str:
    """Leave out what to do about a failure, which was said when it came."""
    return _detail(outcome).partition("; ")[0]


def _detail(outcome: TaskOutcome) -> str:
    if outcome.state is TaskState.FAILED:
        return printable(outcome.reason)
    made = "" if outcome.path is None else printable(outcome.path)
    if outcome.state is TaskState.SKIPPED:
        return f"{made} is finished"
    return f"{made} in {outcome.seconds:.1f} s".lstrip()
