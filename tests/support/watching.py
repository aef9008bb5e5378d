"""Callbacks that are sent to workers with their tasks."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from lightstyle.transfer.result import Progress


def notes_process(progress: Progress) -> None:
    """A callback that writes down where it was called, and for which evaluation."""
    with Path("seen.txt").open("a") as file:
        file.write(f"{os.getpid()} {progress.evaluation}\n")


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
