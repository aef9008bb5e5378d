"""The one way to print a line, an error, a progress bar or a table.

Messages, errors and bars go to stderr; tables go to stdout.
"""

import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from ..errors import ExitCode, Stopped, describe
from ..text import one_line, printable

if TYPE_CHECKING:
    from rich.progress import Progress

#: Plain lines printed from start to end, where stderr is not a terminal.
PLAIN_LINES: Final = 20


def say(message: str) -> None:
    """Print `message` on stderr.

    If nobody can read it (stderr closed, a broken pipe), the work goes on without.
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            safe = "\n".join(map(printable, message.split("\n")))
            print(safe, file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Print what a user should know, although nothing went wrong."""
    say(f"note: {one_line(message)}")


def fail(error: BaseException) -> ExitCode:
    """Print `error` as one line and return its exit code."""
    line, code = describe(error)
    wanted = isinstance(error, KeyboardInterrupt | Stopped)
    say(line if wanted else f"error: {line}")
    return code


def show(line: str) -> None:
    """Print `line` on stdout, which `stdout.Stdout` keeps from failing."""
    print(line)


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> None:
    """Print rows of equal length as a table, two spaces between its columns.

    Args:
        rows: Cells of each row.
        right: Columns whose cells are aligned to the right.
    """
    safe = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    for row in safe:
        cells = [
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        show("  ".join(cells).rstrip())


class Bar:
    """A progress bar on a terminal, and plain lines elsewhere.

    A context: the bar is taken away when it ends. It appears with the first `update`.
    """

    def __init__(
        self, total: int, *, lines: int = PLAIN_LINES, quiet: bool = False
    ) -> None:
        """Prepare a bar that ends at `total`.

        Args:
            total: Steps of the whole work.
            lines: Plain lines to print over it, where stderr is not a terminal.
            quiet: Whether to show nothing at all.
        """
        self._total, self._last = total, 0
        shown = not (quiet or sys.stderr is None or sys.stderr.closed)
        self._every = max(1, total // lines) if shown and lines else 0
        self._bar = _bar(total) if shown and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        """Return the bar; it appears with the first update."""
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            with suppress(OSError, ValueError):  # the terminal was closed
                self._bar.stop()

    def update(self, done: int, text: str) -> None:
        """Show that `done` steps are finished, with `text` beside the bar."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, text=text)
            with suppress(OSError, ValueError):  # as in `__exit__`
                self._bar.start()  # may be called again and again
        elif self._every and self._is_due(done):
            self._last = done
            say(text)

    def _is_due(self, done: int) -> bool:
        step = done // self._every > self._last // self._every
        return done != self._last and (step or not self._last or done == self._total)


def _bar(total: int) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    text = TextColumn("{task.fields[text]}", markup=False)
    bar = Progress(BarColumn(bar_width=16), text, console=Console(stderr=True))
    bar.add_task("", total=total, text="")
    return bar
