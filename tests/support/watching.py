"""Callbacks that are sent to workers with their tasks."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from lightstyle.transfer.result import Progress


@dataclass
class Notes:
    """A callback that writes down where it was called, and for which evaluation."""

    seen: Path

    def __call__(self, progress: Progress) -> None:
        with self.seen.open("a") as file:
            file.write(f"{os.getpid()} {progress.evaluation}\n")

    @property
    def lines(self) -> list[list[int]]:
        """Process and evaluation of each call so far."""
        text = self.seen.read_text() if self.seen.exists() else ""
        return [[int(word) for word in line.split()] for line in text.splitlines()]


#: The same in the current folder.
notes_process = Notes(Path("seen.txt"))


def never_ends(progress: Progress) -> None:
    """A callback that takes longer than anybody waits."""
    notes_process(progress)
    time.sleep(600)


@dataclass
class Sleeps:
    """The same on another machine, which does not know the folder."""

    seen: Path

    def __call__(self, progress: Progress) -> None:
        self.seen.touch()
        time.sleep(600)


@dataclass
class Dies:
    """A callback that kills its process."""

    def __call__(self, progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
