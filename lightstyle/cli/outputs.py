"""What a run writes: its picture, intermediate pictures, a timelapse and a log."""

import glob
import json
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Self, TextIO

from ..errors import OutputError
from ..images import streams
from ..images.streams import STREAM
from ..losses.objective import Losses
from ..transfer.result import Progress, Result
from ..transfer.run import Callback
from ..transfer.timelapse import Timelapse
from . import names
from .options import RunOptions


class Outputs:
    """Writes the pictures of a run, within a context."""

    def __init__(
        self, path: Path, options: RunOptions, *, is_new: bool, resumed: bool = False
    ) -> None:
        """Choose the names, without writing anything.

        Args:
            path: Path of the result; may be stdout.
            options: Options of the run.
            is_new: Whether the result must not replace a file that came meanwhile.
            resumed: Whether the run continues what it wrote before.
        """
        self._path, self._is_new = path, is_new
        metadata = not options.no_metadata
        self.saver = Saver(path, options.save_every, options.bits, metadata=metadata)
        self._film: Timelapse | None = None
        if options.timelapse is not None:
            self._film = Timelapse(
                options.timelapse,
                options.save_every,
                metadata=metadata,
                resumed=resumed,
            )
        self._save = partial(Result.save, bits=options.bits, metadata=metadata)
        self._encode = partial(Result.to_bytes, bits=options.bits, metadata=metadata)
        self._to_stdout = path == STREAM
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Reserve stdout for the result, if it goes there."""
        if self._to_stdout:
            self._write = self._stack.enter_context(streams.stdout())
        if self._film is not None:
            self._stack.enter_context(self._film)
        return self

    def __exit__(self, *error: object) -> None:
        """Restore stdout, and remove a film that was not finished."""
        self._stack.close()

    @property
    def watchers(self) -> list[Callback]:
        """Return the callbacks that write during the run."""
        return [self.saver] if self._film is None else [self.saver, self._film]

    def put(self, result: Result, failures: list[OutputError]) -> Path:
        """Write the picture, and finish the film unless writing has failed before.

        Args:
            result: The result of the run.
            failures: Failures of the watchers; the film's is added to them.

        Returns:
            The path of the picture.

        Raises:
            OutputError: The picture cannot be written.
        """
        path = names.free(self._path) if self._is_new else self._path
        if self._to_stdout:
            self._write(self._encode(result))
        else:
            self._save(result, path)
        if self._film is not None and not failures:
            try:
                self._film.finish(result)
            except OutputError as error:
                failures.append(error)
        return path


class Saver:
    """Saves the best picture so far every few evaluations, under numbered names."""

    def __init__(self, path: Path, every: int, bits: int, *, metadata: bool) -> None:
        """Derive names from `path`; with `every` 0 nothing is saved."""
        self._path, self._every = path, every
        self._save = partial(Progress.save, bits=bits, metadata=metadata)

    def existing(self, iterations: int) -> list[Path]:
        """Return the files that a run of so many iterations would replace."""
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
        """Save the picture if this evaluation is a multiple of `every`."""
        if self._every and progress.evaluation % self._every == 0:
            self._save(progress, self._numbered(progress.evaluation))

    def _numbered(self, evaluation: int) -> Path:
        return self._path.with_stem(f"{self._path.stem}_{evaluation:04d}")


@contextmanager
def log(path: Path | None) -> Iterator[Callback]:
    """Write one JSON object for every evaluation to `path`.

    Each holds the evaluation, the total loss, every weighted term, the seconds that the
    evaluation took, and the size of its picture, which is smaller on the first levels.

    Raises:
        OutputError: The file cannot be written.
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


def _entry(evaluation: int, losses: Losses) -> str:
    entry = {"evaluation": evaluation, "total": losses.total}
    entry |= {**losses.terms, "seconds": round(losses.seconds, 6)}
    numbers = {k: v if math.isfinite(v) else None for k, v in entry.items()}
    return json.dumps({**numbers, "size": losses.size})


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"log {path}: {error.strerror}") from error
