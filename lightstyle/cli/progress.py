"""What a run shows while it goes on, and how Ctrl-C ends it."""

import signal
from types import FrameType
from typing import Any, Final

from ..errors import ExitCode, Stopped
from ..signals import catch
from ..text import duration
from ..transfer.result import Progress

#: Evaluations at the start of a level that tell nothing: they include preparations, and
#: the loss falls steeply.
_FIRST: Final = 2


class StopSignal:
    """Ends a run after the current evaluation on a signal, or at once on two.

    A context that catches the signals, and a callback that stops the optimisation from
    inside, so that the best picture is whole and gets written.

    Attributes:
        waits: Whether the first signal waits for the end of an evaluation; false while
            there is nothing to keep, when it raises `Stopped`.
    """

    def __init__(self, *, waits: bool = False) -> None:
        """Start without a signal; `waits` is the attribute."""
        self.waits = waits
        self._came: int | None = None
        self._previous: dict[int, Any] = {}

    @property
    def came(self) -> bool:
        """Whether a signal has come."""
        return self._came is not None

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of a run that the signal ended."""
        return ExitCode(Stopped(self._came or signal.SIGINT).exit_code)

    def __enter__(self) -> "StopSignal":
        """Catch the signals."""
        self._previous = catch(self._take)
        return self

    def __exit__(self, *error: object) -> None:
        """Restore the previous handlers."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def __call__(self, progress: Progress) -> None:
        """End the run if a signal has come."""
        if self.came:
            raise StopIteration

    def _take(self, number: int, frame: FrameType | None) -> None:
        waits, self._came = self.waits and not self.came, number
        if not waits:
            raise Stopped(number)


def status_line(progress: Progress) -> str:
    """Return such as ``120/300  level 3/4: loss 1.23e+06, down 87.1 %  5 min left``.

    The loss is compared with the first one of the same level, because losses of
    different sizes or weights cannot be compared. When a level begins, there is
    neither a change nor a time.
    """
    losses = progress.losses
    line = f"{progress.evaluation}/{progress.settings.iterations}  "
    if progress.levels > 1:
        line += f"level {progress.level}/{progress.levels}: "
    line += f"loss {losses.total:.3g}"
    level = progress.history[progress.level_began :]
    if len(level) <= _FIRST:
        return line
    if level[0].total > 0:
        change = 100 * (losses.total / level[0].total - 1)
        line += f", {'up' if change > 0 else 'down'} {abs(change):.1f} %"
    if progress.evaluation < progress.settings.iterations:
        line += f"  {duration(progress.seconds_left)} left"
    return line
