"""The log of a run: a JSON object for every evaluation."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from ..losses.objective import Losses
from ..transfer.result import Progress


class Log:
    """Writes the log of a run, line by line; it never holds half a line for long."""

    def __init__(self, path: Path) -> None:
        """Choose the file, without writing anything."""
        self._path = path
        self._file: BinaryIO | None = None
        self._size = 0

    def __call__(self, progress: Progress) -> None:
        """Write an object for the latest evaluation.

        It holds the evaluation, the total loss, every weighted term, the seconds that
        the evaluation took, and the size of its picture, which is smaller on the first
        levels.

        Raises:
            OutputError: The file cannot be written; what it holds are whole lines.
        """
        first = progress.evaluation
        try:
            if self._file is None:  # a run that fails at once leaves no empty log
                self._file = self._path.open("wb")
                first = 1  # one that is continued has its log written anew
            for evaluation in range(first, progress.evaluation + 1):
                line = f"{_entry(evaluation, progress.history[evaluation - 1])}\n"
                self._file.write(line.encode())
            self._file.flush()
            self._size = self._file.tell()
        except OSError as error:
            self.close()
            raise OutputError(f"log {self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file, and take back a line that could not be written whole."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError), self._path.open("r+b") as file:
                file.truncate(self._size)
            self._file = None


def _entry(evaluation: int, losses: Losses) -> str:
    entry = {"evaluation": evaluation, "total": losses.total}
    entry |= {**losses.terms, "seconds": round(losses.seconds, 6)}
    numbers = {k: v if math.isfinite(v) else None for k, v in entry.items()}
    return json.dumps({**numbers, "size": losses.size})
