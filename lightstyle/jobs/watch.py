"""Watches a folder for new pictures, and takes each when its file is complete.

Nothing says when a copy has finished. A file counts as complete when it has not changed
for a second, can be read, and ends as its format does; or when it has not changed for a
minute, so that a damaged file is reported rather than waited for.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from .. import images
from ..contract import MINIMUM_SIDE
from ..errors import ImageError, UsageError
from ..images import picture_file
from .batch import Batch, Clashes
from .task import Task, TaskOutcome

#: Seconds between two looks at the folder.
INTERVAL: Final = 1.0

#: Seconds without a change after which a file counts as complete, damaged or not.
_LONGEST: Final = 60.0

#: Last bytes of a file, by its first bytes. Pillow reads pixels without them. Other
#: formats have no end mark, or cannot be read without it.
_ENDS: Final = {b"\x89PNG": b"IEND\xaeB`\x82", b"\xff\xd8": b"\xff\xd9", b"GIF8": b";"}

_Stamp = tuple[int, int, int]


@dataclass
class _Seen:
    """A file as it was when it last changed.

    Attributes:
        stamp: What changes when the file does.
        since: When it changed, in seconds of `monotonic`.
        taken: Whether it became a task.
        damaged: Whether it was looked into and found incomplete.
    """

    stamp: _Stamp
    since: float
    taken: bool = False
    damaged: bool = False


class FolderWatcher:
    """Looks for new pictures of a batch again and again.

    Attributes:
        failed: Pictures that could not become tasks, with what became of them.
    """

    def __init__(self, batch: Batch) -> None:
        """Start with nothing seen."""
        self._batch = batch
        self._seen: dict[Path, _Seen] = {}
        self._clashes = Clashes()
        self._next = 0.0
        self.failed: list[tuple[Path, TaskOutcome]] = []

    def tasks(self) -> Iterator[Task | None]:
        """Yield tasks without end, and None while there is nothing to do.

        A picture that changes after it was painted becomes a task again.
        """
        while True:
            if (now := monotonic()) >= self._next:
                for file in self._batch.inputs.find():
                    mine = self._batch.shard.holds(file)
                    if mine and self._is_complete(file.path, now):
                        yield self._checked(self._batch.task(file))
                self._next = monotonic() + INTERVAL
            yield None

    def _checked(self, task: Task) -> Task | None:
        if reason := self._clashes.of(task):
            outcome = TaskOutcome.failure(reason, UsageError.exit_code)
            self.failed.append((task.given["content"], outcome))
            return None
        return task

    def _is_complete(self, path: Path, now: float) -> bool:
        """Whether the file is complete now and was not at the last look."""
        stamp = _stamp(path)
        if stamp is None:  # gone again
            return False
        seen = self._seen.get(path)
        if seen is None or seen.stamp != stamp:
            self._seen[path] = _Seen(stamp, now)
            return False
        if seen.taken or now - seen.since < INTERVAL:
            return False
        seen.damaged = seen.damaged or not _is_whole(path)
        seen.taken = not seen.damaged or now - seen.since >= _LONGEST
        return seen.taken and stamp == _stamp(path)


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes when the file does; None if it is gone."""
    with suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None


def _is_whole(path: Path) -> bool:
    """Whether the file can be read and ends as its format does."""
    try:
        data = picture_file.read(path, str(path))
        images.load(data, longest=MINIMUM_SIDE)
    except ImageError:
        return False
    ends = [end for start, end in _ENDS.items() if data.startswith(start)]
    return all(data.endswith(end) for end in ends)
