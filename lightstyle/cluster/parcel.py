"""A task on its way to another machine, with or without its files.

A machine that sees the very files of the task, by size and time, works on them where
they lie. To another one they are sent, and its picture and its checkpoints come back.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..errors import ImageError
from ..jobs.task import Kept, Task, TaskOutcome
from ..records.origin import sources

#: Size of a file, and when it was changed.
Signature = tuple[int, int]


@dataclass(frozen=True)
class Parcel:
    """A task with what a machine needs for it.

    Attributes:
        number: Tells it from others.
        task: The task, with absolute paths on the machine that it comes from.
        signatures: What each of its files looks like there, by path.
        contents: Each file, by path, if they are sent.
        checkpoint: Checkpoint that the run goes on from, if files are sent and there
            is one.
    """

    number: int
    task: Task
    signatures: Mapping[str, Signature | None]
    contents: Mapping[str, bytes] | None = None
    checkpoint: bytes | None = None

    @classmethod
    def of(cls, number: int, task: Task) -> Self:
        """Describe a task whose files are not sent."""
        task = relocated(task, lambda path: str(Path(path).absolute()))
        if task.output is not None:
            path = task.output.path.absolute()
            task = replace(task, output=replace(task.output, path=path))
        if task.kept is not None:
            kept = task.kept
            task = replace(
                task, kept=replace(kept, checkpoint=kept.checkpoint.absolute())
            )
        return cls(number, task, {path: _signature(path) for path in _paths(task)})

    def with_contents(self) -> Self:
        """Add the files.

        Raises:
            ImageError: One cannot be read.
        """
        contents = {}
        for path in self.signatures:
            try:
                contents[path] = Path(path).read_bytes()
            except OSError as error:
                raise ImageError(f"{path} cannot be read: {error.strerror}") from error
        checkpoint = None
        if self.task.kept is not None:
            with suppress(OSError):
                checkpoint = self.task.kept.checkpoint.read_bytes()
        return replace(self, contents=contents, checkpoint=checkpoint)

    @property
    def is_seen(self) -> bool:
        """Whether this machine sees the very files of the task."""
        return all(_signature(path) == s for path, s in self.signatures.items())

    def unpacked(self, folder: Path) -> Task:
        """Write the files that were sent below `folder`; returns the task with them.

        Files keep their names, which records hold.
        """
        places = {}
        for number, (path, content) in enumerate((self.contents or {}).items()):
            place = folder / str(number) / Path(path).name
            place.parent.mkdir()
            place.write_bytes(content)
            places[path] = str(place)
        task = relocated(self.task, places.__getitem__)
        if task.output is not None:
            place = folder / "result" / task.output.path.name
            task = replace(task, output=replace(task.output, path=place))
        if task.kept is not None:
            kept = Kept(checkpoint=folder / "checkpoint", seconds=task.kept.seconds)
            if self.checkpoint is not None:
                kept.checkpoint.write_bytes(self.checkpoint)
            task = replace(task, kept=kept)
        return task


@dataclass(frozen=True)
class Reply:
    """What a machine says of a parcel.

    Attributes:
        outcome: What became of the task; None if it was given up, or not begun.
        picture: The finished picture, if files were sent.
        checkpoint: The last checkpoint of a run that was given up, if files were sent.
        lacks_model: Whether the model is not there.
        lacks_files: Whether the files of the task are not seen there.
        fault: A fault of the model or the device, which other tasks would have, too.
    """

    outcome: TaskOutcome | None = None
    picture: bytes | None = None
    checkpoint: bytes | None = None
    lacks_model: bool = False
    lacks_files: bool = False
    fault: Exception | None = None


def relocated(task: Task, place: Callable[[str], str]) -> Task:
    """Replace the paths of all pictures of a task."""
    given = {
        name: tuple(_placed(each, place) for each in value)
        if isinstance(value, list | tuple) and name != "size"
        else _placed(value, place)
        for name, value in task.given.items()
    }
    named = {role: place(path) for role, path in task.settings.files.items()}
    return replace(task, given=given, settings=task.settings.with_files(named))


def _placed(source: Any, place: Callable[[str], str]) -> Any:
    is_path = isinstance(source, str | os.PathLike)
    return place(os.fspath(source)) if is_path else source


def _paths(task: Task) -> list[str]:
    pictures = [*sources(task.given).values(), *task.settings.files.values()]
    return [each for each in pictures if isinstance(each, str)]


def _signature(path: str) -> Signature | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns
