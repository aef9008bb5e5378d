"""What a run writes: its picture, intermediate pictures, a timelapse and a log."""

import glob
import json
import math
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TextIO

from ..errors import OutputError
from ..images import streams
from ..images.streams import STREAM
from ..losses.objective import Losses
from ..transfer.result import Progress, Result
from ..transfer.timelapse import Timelapse
from . import paths
from .options import RunOptions


class Outputs:
    """Writes the files of a run: a callback, and the context it is called in.

    If a file cannot be written, the callback ends the run, so that `put` can still
    save the best picture.

    Attributes:
        failure: The error of a file that could not be written, if any.
        others: The timelapse and the log, in words, as far as they are asked for.
    """

    def __init__(
        self, path: Path, options: RunOptions, *, is_new: bool, resumed: bool
    ) -> None:
        """Choose the names, without writing anything.

        Args:
            path: Path of the result; may be stdout.
            options: Options of the run.
            is_new: Whether the result must not replace a file that came meanwhile.
            resumed: Whether the run continues what it wrote before.
        """
        self.failure: OutputError | None = None
        self._path, self._options, self._is_new = path, options, is_new
        named = {"timelapse": options.timelapse, "log": options.log}
        self.others = [f"{kind} {file}" for kind, file in named.items() if file]
        self._film: Timelapse | None = None
        if options.timelapse is not None:
            self._film = Timelapse(
                options.timelapse, options.save_every, resumed=resumed
            )
        self._log: TextIO | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Reserve stdout for the result, if it goes there."""
        if self._path == STREAM:
            self._write = self._stack.enter_context(streams.stdout())
        if self._film is not None:
            self._stack.enter_context(self._film)
        return self

    def __exit__(self, *error: object) -> None:
        """Restore stdout, and remove a film that was not finished."""
        self._stack.close()

    def __call__(self, progress: Progress) -> None:
        """Write what is due after an evaluation.

        Raises:
            StopIteration: A file cannot be written.
        """
        every = self._options.save_every
        try:
            if self._options.log is not None:
                self._append(self._options.log, progress)
            if every and progress.evaluation % every == 0:
                progress.save(
                    self._numbered(progress.evaluation), bits=self._options.bits
                )
            if self._film is not None:
                self._film(progress)
        except OutputError as error:
            self.failure = error
            raise StopIteration from error

    def put(self, result: Result) -> Path:
        """Write the picture, and finish the film unless writing has failed before.

        Returns:
            The path of the picture.

        Raises:
            OutputError: The picture cannot be written.
        """
        path = paths.free(self._path) if self._is_new else self._path
        if path == STREAM:
            self._write(result.to_bytes(bits=self._options.bits))
        else:
            result.save(path, bits=self._options.bits)
        if self._film is not None and self.failure is None:
            try:
                self._film.finish(result)
            except OutputError as error:
                self.failure = error
        return path

    def existing(self, iterations: int) -> list[Path]:
        """Return the numbered pictures that a run of so many iterations would replace.

        They are looked for in the folder, because a run may have millions of numbers.
        """
        every = self._options.save_every
        if every <= 0:
            return []
        stem, suffix = glob.escape(self._path.stem), glob.escape(self._path.suffix)
        found = sorted(self._path.parent.glob(f"{stem}_*{suffix}"))
        numbers = {path: path.stem.rpartition("_")[2] for path in found}
        return [
            path
            for path, text in numbers.items()
            if text.isdecimal() and path == self._numbered(int(text))
            if int(text) in range(every, iterations + 1, every)
        ]

    def _numbered(self, evaluation: int) -> Path:
        return self._path.with_stem(f"{self._path.stem}_{evaluation:04d}")

    def _append(self, path: Path, progress: Progress) -> None:
        """Write a JSON object for the latest evaluation to the log at `path`.

        It holds the evaluation, the total loss, every weighted term, the seconds that
        the evaluation took, and the size of its picture, which is smaller on the first
        levels.
        """
        first = progress.evaluation
        try:
            if self._log is None:  # a run that fails at once leaves no empty log
                self._log = self._stack.enter_context(path.open("w", encoding="utf-8"))
                first = 1  # one that is continued has its log written anew
            for evaluation in range(first, progress.evaluation + 1):
                losses = progress.history[evaluation - 1]
                print(_entry(evaluation, losses), file=self._log)
            self._log.flush()
        except OSError as error:
            raise OutputError(f"log {path}: {error.strerror}") from error


def _entry(evaluation: int, losses: Losses) -> str:
    entry = {"evaluation": evaluation, "total": losses.total}
    entry |= {**losses.terms, "seconds": round(losses.seconds, 6)}
    numbers = {k: v if math.isfinite(v) else None for k, v in entry.items()}
    return json.dumps({**numbers, "size": losses.size})
