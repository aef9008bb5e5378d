"""New pictures in a folder, as they come: each when its file is complete.

Nobody tells when a file that is being copied is whole. It is taken to be when it has
not changed for a second, can be read, and ends as its format does; or when it has not
changed for a minute, so that a damaged one is told of rather than waited for.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from .. import images
from ..errors import ImageError, UsageError
from ..images import picture_file
from .batch import Batch, Clashes
from .contents import Content
from .painter import JobOutcome, JobState, Task

#: Seconds between two looks at the folder.
INTERVAL: Final = 1.0

#: Seconds without a change after which a file counts as complete, damaged or not.
_LONGEST: Final = 60.0

#: Last bytes of a file, by its first. Pillow reads pixels without; and other formats
#: have none, or only if the rest is there.
_ENDS: Final = {b"\x89PNG": b"IEND\xaeB`\x82", b"\xff\xd8": b"\xff\xd9", b"GIF8": b";"}

_Stamp = tuple[int, int, int]


@dataclass
class _Seen:
    """A file as it was when it last changed."""

    stamp: _Stamp
    since: float
    taken: bool = False
    damaged: bool = False


class FolderWatcher:
    """Looks at the folder of a batch again and again.

    Attributes:
        failed: Pictures that could not even become a task.
    """

    def __init__(self, batch: Batch) -> None:
        """Nothing has been seen yet."""
        self._batch = batch
        self._seen: dict[Path, _Seen] = {}
        self._clashes = Clashes()
        self._next = 0.0
        self.failed: list[JobOutcome] = []

    def tasks(self) -> Iterator[Task | None]:
        """Tasks without an end; none where there is nothing to do as yet.

        A picture that changes after it was painted is a new one.
        """
        while True:
            if (now := monotonic()) >= self._next:
                for content in self._batch.contents.find():
                    if self._is_complete(content, now):
                        yield self._checked(self._batch.task(content))
                self._next = monotonic() + INTERVAL
            yield None

    def _checked(self, task: Task) -> Task | None:
        if reason := self._clashes.of(task):
            code = UsageError.exit_code
            self.failed.append(JobOutcome(task, JobState.FAILED, reason, code))
            return None
        return task

    def _is_complete(self, content: Content, now: float) -> bool:
        """Whether it is and was not so before."""
        stamp = _stamp(content.path)
        if stamp is None:  # gone again
            return False
        seen = self._seen.get(content.path)
        if seen is None or seen.stamp != stamp:
            self._seen[content.path] = _Seen(stamp, now)
            return False
        if seen.taken or now - seen.since < INTERVAL:
            return False
        seen.damaged = seen.damaged or not _is_whole(content.path)
        seen.taken = not seen.damaged or now - seen.since >= _LONGEST
        return seen.taken and stamp == _stamp(content.path)


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does."""
    with suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None


def _is_whole(path: Path) -> bool:
    try:
        data = picture_file.read(path, str(path))
        images.load(data)
    except ImageError:
        return False
    ends = [end for start, end in _ENDS.items() if data.startswith(start)]
    return all(data.endswith(end) for end in ends)
