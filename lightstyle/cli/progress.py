"""What a run shows and writes while it goes on: progress, log, saves, and Ctrl-C."""

import glob
import json
import math
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import ExitCode, OutputError
from ..losses.objective import Losses
from ..transfer.result import Progress
from ..transfer.run import Callback

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Plain lines printed over a whole run, where stderr is no terminal.
PLAIN_LINES = 20


def say(message: str) -> None:
    """Print a line for the person, which is to say on stderr.

    If nobody can read it (stderr closed, a broken pipe), the work goes on without.
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(message, file=sys.stderr, flush=True)


@contextmanager
def display(iterations: int, *, quiet: bool) -> Iterator[Callback]:
    """Show progress, from the first evaluation on.

    That is a bar on a terminal, plain lines elsewhere, and nothing if `quiet`.
    """
    if quiet or sys.stderr is None or sys.stderr.closed:
        yield lambda progress: None
    elif not sys.stderr.isatty():
        yield partial(_plain, max(1, iterations // PLAIN_LINES))
    else:
        bar = _bar()
        task = bar.add_task("", total=iterations, detail="")

        def show(progress: Progress) -> None:
            bar.start()  # as often as it likes
            detail = _detail(progress)
            bar.update(task, completed=progress.evaluation, detail=detail)

        try:
            yield show
        finally:
            bar.stop()


@contextmanager
def log(path: Path | None) -> Iterator[Callback]:
    """Write one JSON object for every evaluation to `path`.

    Each holds the evaluation, the total, every term times its weight, the seconds the
    evaluation took, and the size of its picture, which is smaller on the first levels.

    Raises:
        OutputError: If the file cannot be written.
    """
    if path is None:
        yield lambda progress: None
        return
    with ExitStack() as stack:
        files: list[TextIO] = []

        def write(progress: Progress) -> None:
            first = progress.evaluation
            if not files:  # a run that fails at once leaves no empty log
                files.append(stack.enter_context(_opened(path)))
                first = 1  # one that is continued has its log written anew
            try:
                for evaluation in range(first, progress.evaluation + 1):
                    losses = progress.history[evaluation - 1]
                    print(_entry(evaluation, losses), file=files[0])
                files[0].flush()
            except OSError as error:
                raise OutputError(f"log {path}: {error.strerror}") from error

        yield write


class Saver:
    """Saves the best picture so far every few evaluations, under numbered names."""

    def __init__(self, path: Path, every: int, bits: int, *, metadata: bool) -> None:
        """Derive the names from `path`; `every` 0 saves nothing."""
        self._path, self._every = path, every
        self._save = partial(Progress.save, bits=bits, metadata=metadata)

    def existing(self, iterations: int) -> list[Path]:
        """Files that are there and that a run of so many iterations would replace."""
        stem, suffix = glob.escape(self._path.stem), glob.escape(self._path.suffix)
        found = sorted(self._path.parent.glob(f"{stem}_*{suffix}"))
        numbers = {path: path.stem.rpartition("_")[2] for path in found}
        return [
            path
            for path, text in numbers.items()
            if self._every and text.isdecimal() and path == self._numbered(int(text))
            if 0 < int(text) <= iterations and int(text) % self._every == 0
        ]

    def __call__(self, progress: Progress) -> None:
        """Save if this evaluation's turn has come."""
        if self._every and progress.evaluation % self._every == 0:
            self._save(progress, self._numbered(progress.evaluation))

    def _numbered(self, evaluation: int) -> Path:
        return self._path.with_stem(f"{self._path.stem}_{evaluation:04d}")


class Interrupt:
    """Ctrl-C or SIGTERM ends the run after the evaluation in progress; twice, at once.

    A watcher, and a context in which the signals are caught: the optimisation is
    stopped from inside, so the best picture is whole and gets written.
    """

    def __init__(self) -> None:
        """No signal has come yet."""
        self._came: int | None = None
        self._previous: dict[int, Any] = {}

    @property
    def came(self) -> bool:
        """Whether a signal has come."""
        return self._came is not None

    @property
    def exit_code(self) -> ExitCode:
        """Of a run that was ended so."""
        ended = self._came == signal.SIGTERM
        return ExitCode.TERMINATED if ended else ExitCode.INTERRUPTED

    def __enter__(self) -> "Interrupt":
        """Start to catch the signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the signals as they were."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def __call__(self, progress: Progress) -> None:
        """End the run if a signal has come."""
        if self.came:
            raise StopIteration

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._came is not None and number == signal.SIGTERM:
            raise SystemExit(int(ExitCode.TERMINATED))
        if self._came is not None:
            raise KeyboardInterrupt
        self._came = number


def _entry(evaluation: int, losses: Losses) -> str:
    entry = {"evaluation": evaluation, "total": losses.total}
    entry |= {**losses.terms, "seconds": round(losses.seconds, 6)}
    numbers = {k: v if math.isfinite(v) else None for k, v in entry.items()}
    return json.dumps({**numbers, "size": losses.size})


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
    )


def _plain(every: int, progress: Progress) -> None:
    n, last = progress.evaluation, progress.settings.iterations
    if n == 1 or n % every == 0 or n == last:
        say(f"{n}/{last}  {_detail(progress)}")


def _detail(progress: Progress) -> str:
    """``loss 1.23e+06 (content 12 % style 88 %)  1.24 s each  0:05:10 left``."""
    losses = progress.losses
    groups: dict[str, float] = {}
    for name, value in losses.terms.items():
        group = name.partition("_")[0]
        groups[group] = groups.get(group, 0.0) + value
    scale = 100 / losses.total if losses.total else 0.0
    parts = " ".join(f"{name} {value * scale:.0f} %" for name, value in groups.items())
    seconds = losses.seconds
    left = round(progress.seconds_left)
    clock = f"{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}"
    line = f"loss {losses.total:.4g} ({parts})  {seconds:.2f} s each  {clock} left"
    if progress.levels > 1:
        line = f"level {progress.level} of {progress.levels}  {line}"
    return line


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"log {path}: {error.strerror}") from error
