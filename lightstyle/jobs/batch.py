"""What a batch has to do: a task for each picture, each with a file of its own.

Whether a picture is finished already is found out when its turn comes (`finished`).
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import images
from ..engine import memory
from ..engine.plan import SHARE
from ..engine.session import available_cpus, check_threads
from ..errors import ImageError, UsageError
from ..images.streams import STREAM
from ..settings import blend
from ..settings.settings import Settings
from ..transfer import regions
from .contents import Content, Contents
from .painter import JobOutcome, JobState, Task, Work


@dataclass(frozen=True)
class Batch:
    """Where a batch reads and writes.

    Attributes:
        contents: What is painted.
        folder: Where results go.
        settings: Of all pictures.
        bits: Of a channel of the results.
    """

    contents: Contents
    folder: Path
    settings: Settings
    bits: int

    def tasks(self) -> list[Task]:
        """A task for each picture that there is.

        Raises:
            ImageError: There is none, or the folder cannot be read.
            UsageError: Two results would be one file, or a result a content.
        """
        found = self.contents.find()
        if not found and not self.contents.is_list:
            raise ImageError(
                f"content {self.contents.given}: there is no picture; check the path"
            )
        clashes = Clashes()
        tasks = [self.task(content) for content in found]
        for task in tasks:
            if clash := clashes.of(task):
                raise UsageError(clash)
        taken = {os.path.realpath(content.path) for content in found}
        for task in tasks:
            if os.path.realpath(str(task.output)) in taken:
                raise UsageError(
                    f"the result of {task.content} would be {task.output}, which is "
                    "itself to be painted: give another folder"
                )
        return tasks

    def task(self, content: Content) -> Task:
        """Of one picture."""
        output = content.output(self.folder, self.bits)
        return Task(content.path, self.settings, output)

    def unreadable(self) -> Iterator[JobOutcome]:
        """A failure for each folder that could not be read."""
        for folder, reason in self.contents.unreadable.items():
            task = Task(folder, self.settings)
            yield JobOutcome(task, JobState.FAILED, reason, ImageError.exit_code)


class Clashes:
    """Notices when two pictures would have one result, such as a.gif and a.png."""

    def __init__(self) -> None:
        """There are none yet."""
        self._contents: dict[Path, Path] = {}

    def of(self, task: Task) -> str:
        """What is wrong with the result of `task`, in words; empty if nothing."""
        other = self._contents.setdefault(task.output or Path(), task.content)
        if other == task.content:
            return ""
        return (
            f"{other} and {task.content} would both become {task.output}: rename one "
            "of them"
        )


def check_styles(
    styles: Iterable[Path], all_settings: Sequence[Settings]
) -> tuple[str, ...]:
    """The paths of the styles, of which all can be read and as many are needed.

    Args:
        styles: Of all pictures.
        all_settings: That pictures are to be made with.

    Raises:
        UsageError: One is stdin, or settings are of another number of styles.
        ImageError: One cannot be read, or a picture that `settings` name cannot, or a
            mask of a style is none.
    """
    paths = tuple(styles)
    if STREAM in paths:
        raise UsageError("style -: it is read for every picture: give a file")
    named: dict[str, str] = {}
    for settings in all_settings:
        blend.shares(settings.blend, len(paths))
        blend.scales(settings.style_scale, len(paths))
        regions.check_counts(settings, len(paths))
        named |= {file: name for name, file in settings.files.items()}
    pictures = [images.load(path, role="style") for path in paths]
    for settings in all_settings:
        regions.read(settings, None, pictures)  # what is masked of the styles
    for file, name in named.items():
        images.load(file, role=name.replace("_", "-"))
    return tuple(map(str, paths))


def divided(work: Work, workers: int) -> Work:
    """The part of one of so many workers in the threads and the memory of `work`.

    Raises:
        UsageError: There are too few threads, or there is no worker.
    """
    check_threads(work.threads)
    threads = work.threads or available_cpus()
    if not 1 <= workers <= threads:
        raise UsageError(
            f"workers is {workers}, expected 1 to {threads}: each takes at least one "
            f"thread of {threads}"
        )
    if workers == 1:
        return work
    share = int(SHARE * memory.available() / workers)
    given = None if work.memory is None else work.memory // workers
    return replace(work, threads=threads // workers, memory=given, share=share)
