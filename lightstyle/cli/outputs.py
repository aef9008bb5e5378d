"""What a run writes: its picture, intermediate pictures, a timelapse and a log."""

import glob
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from ..errors import ExitCode, OutputError
from ..images import streams
from ..images.streams import STREAM
from ..lookup import is_folder
from ..transfer.result import Progress, Result
from ..transfer.timelapse import Timelapse
from . import paths
from .console import fail
from .log import Log
from .options import RunOptions


class Outputs:
    """Writes the files of a run: a callback, and the context it is called in.

    The picture matters. Any other file that cannot be written is told at once and given
    up, and the run goes on without it.

    Attributes:
        failure: Exit code of the first file that could not be written, if any.
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
        self.failure: ExitCode | None = None
        self._path, self._every, self._is_new = path, options.save_every, is_new
        self._bits = options.bits
        self._named = {"timelapse": options.timelapse, "log": options.log}
        self._writers: dict[str, Callable[[Progress], None]] = {}
        self._stack = ExitStack()
        if options.log is not None:
            log = Log(options.log)
            self._stack.callback(log.close)
            self._writers["log"] = log
        if self._every:
            self._writers["pictures on the way"] = self._save
        self._film: Timelapse | None = None
        if options.timelapse is not None:
            self._film = Timelapse(
                options.timelapse, options.save_every, resumed=resumed
            )
            self._writers["timelapse"] = self._film

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
        """Write what is due after an evaluation."""
        for kind, write in [*self._writers.items()]:
            self._attempt(kind, partial(write, progress))

    @property
    def others(self) -> list[str]:
        """The timelapse and the log, in words, as far as they were written."""
        written = [kind for kind in self._named if kind in self._writers]
        return [f"{kind} {self._named[kind]}" for kind in written]

    def put(self, result: Result) -> Path:
        """Write the picture, and finish the film.

        Returns:
            The path of the picture.

        Raises:
            OutputError: The picture cannot be written.
        """
        path = paths.free(self._path) if self._is_new else self._path
        if path == STREAM:
            self._write(result.to_bytes(bits=self._bits))
        else:
            self._put(path, result)
        if self._film is not None and "timelapse" in self._writers:
            self._attempt("timelapse", partial(self._film.finish, result))
        return path

    def fail(self, error: BaseException) -> None:
        """Tell that a file other than the picture could not be written."""
        code = fail(error)
        self.failure = self.failure or code

    def _attempt(self, kind: str, write: Callable[[], None]) -> None:
        """Write a file of some kind; if that fails, no other of the kind is tried."""
        try:
            write()
        except Exception as error:  # a bug, too, must not lose the picture
            del self._writers[kind]
            if self._film is not None and kind == "timelapse":
                self._film.discard()
            self.fail(error)

    def _put(self, path: Path, result: Result) -> None:
        try:
            result.save(path, bits=self._bits)
        except OutputError as error:
            if self._film is None or "timelapse" not in self._writers:
                raise
            del self._writers["timelapse"]  # which may have taken all the space
            self._film.discard()
            result.save(path, bits=self._bits)
            self.fail(error)

    def _save(self, progress: Progress) -> None:
        if progress.evaluation % self._every == 0:
            progress.save(self._numbered(progress.evaluation), bits=self._bits)

    def existing(self, iterations: int) -> list[Path]:
        """Return the numbered pictures that a run of so many iterations would replace.

        They are looked for in the folder, because a run may have millions of numbers.
        """
        every, folder = self._every, self._path.parent
        if every <= 0 or not is_folder(folder):
            return []
        stem, suffix = glob.escape(self._path.stem), glob.escape(self._path.suffix)
        found = sorted(folder.glob(f"{stem}_*{suffix}"))
        numbers = {path: path.stem.rpartition("_")[2] for path in found}
        return [
            path
            for path, text in numbers.items()
            if text.isdecimal() and path == self._numbered(int(text))
            if int(text) in range(every, iterations + 1, every)
        ]

    def _numbered(self, evaluation: int) -> Path:
        return self._path.with_stem(f"{self._path.stem}_{evaluation:04d}")
