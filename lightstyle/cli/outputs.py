"""What a run writes: its picture, pictures on the way to it, and a film of them."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from ..errors import OutputError
from ..images import streams
from ..images.streams import STREAM
from ..transfer.result import Result
from ..transfer.run import Callback
from ..transfer.timelapse import Timelapse
from .options import RunOptions
from .progress import Saver


class Outputs:
    """Pictures of a run, and a context in which they can be written."""

    def __init__(
        self, path: Path, options: RunOptions, *, resumed: bool = False
    ) -> None:
        """Name them, as yet without writing any.

        Args:
            path: Of the result; may be stdout.
            options: Of the run.
            resumed: Whether it goes on with what it wrote before.
        """
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
        self._save = partial(
            Result.save, path=path, bits=options.bits, metadata=metadata
        )
        self._encode = partial(Result.to_bytes, bits=options.bits, metadata=metadata)
        self._to_stdout = path == STREAM
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Keep stdout for the result, if it goes there."""
        if self._to_stdout:
            self._write = self._stack.enter_context(streams.stdout())
        if self._film is not None:
            self._stack.enter_context(self._film)
        return self

    def __exit__(self, *error: object) -> None:
        """Give stdout back, and remove a film that was not finished."""
        self._stack.close()

    @property
    def watchers(self) -> list[Callback]:
        """Who writes while the run goes on."""
        return [self.saver] if self._film is None else [self.saver, self._film]

    def put(self, result: Result, failures: list[OutputError]) -> None:
        """Write the picture, and end the film unless writing has failed before.

        Args:
            result: Of the run.
            failures: Of the watchers; the film's is added to them.

        Raises:
            OutputError: If the picture cannot be written.
        """
        if self._to_stdout:
            self._write(self._encode(result))
        else:
            self._save(result)
        if self._film is not None and not failures:
            try:
                self._film.finish(result)
            except OutputError as error:
                failures.append(error)
