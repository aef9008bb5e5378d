"""The tasks of a batch: one for each picture, each with a file of its own.

Whether a picture is finished already is found out when its turn comes.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import images
from ..errors import ImageError, UsageError
from ..images.streams import STREAM
from ..records.checkpoint import SECONDS
from ..records.record import Record
from ..settings import blend
from ..settings.settings import Settings
from ..text import counted
from ..transfer import regions
from .inputs import BatchInputs, InputFile
from .shard import WHOLE, Shard
from .task import Kept, Output, Task, TaskOutcome


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a batch reads, how it paints, and where it writes.

    Attributes:
        inputs: The pictures to paint.
        styles: Paths of the pictures to paint like.
        settings: Settings of all pictures.
        output: How results are written; its path is the output folder.
        like: As `Task.like`.
        shard: Which of the pictures are painted.
        keeps: Whether a picture that is cut off is to be continued another time.
    """

    inputs: BatchInputs
    styles: tuple[str, ...]
    settings: Settings
    output: Output
    like: Record | None = None
    shard: Shard = WHOLE
    keeps: bool = False

    def tasks(self) -> list[Task]:
        """Make a task for each picture of the shard that is there now.

        All pictures are looked at, so that every shard finds the same faults.

        Raises:
            ImageError: There is no picture, or the folder cannot be read.
            UsageError: Two results would be one file, or a result is an input.
        """
        found = self.inputs.find()
        if not found and not self.inputs.is_list:
            problem = "no pictures found; check the path"
            if self.inputs.made:
                problem = "lightstyle made all its pictures; name them with a pattern"
            elif self.inputs.left_out:
                problem = "; ".join(self.left_out())
            raise ImageError(f"content {self.inputs.given}: {problem}")
        clashes = Clashes()
        tasks = {file: self.task(file) for file in found}
        taken = {os.path.realpath(file.path) for file in found}
        for file, task in tasks.items():
            if clash := clashes.of(task):
                raise UsageError(clash)
            if os.path.realpath(path := _path(task)) in taken:
                raise UsageError(
                    f"the result of {file.path} would be {path}, which is itself to be "
                    "painted: give another output folder"
                )
        return [task for file, task in tasks.items() if self.shard.holds(file)]

    def task(self, file: InputFile) -> Task:
        """Make the task for one picture."""
        path = file.output(self.output.path, self.output.bits)
        return Task(
            given={"content": file.path, "style": self.styles},
            settings=self.settings,
            output=replace(self.output, path=path),
            like=self.like,
            kept=_kept(path) if self.keeps else None,
        )

    def left_out(self) -> list[str]:
        """Say which pictures of the folder are left out, and why: a line a reason."""
        counts = Counter(self.inputs.left_out.values())
        return [
            f"left out {counted(count, 'picture')}: {why}"
            for why, count in counts.items()
        ]

    def unreadable(self) -> Iterator[tuple[Path, TaskOutcome]]:
        """Yield each folder that could not be read, as a failure."""
        for folder, reason in self.inputs.unreadable.items():
            yield folder, TaskOutcome.failure(reason, ImageError.exit_code)


class Clashes:
    """Notices when two pictures would have one result, such as a.gif and a.png."""

    def __init__(self) -> None:
        """Start with no results."""
        self._contents: dict[Path, Path] = {}

    def of(self, task: Task) -> str:
        """Say which earlier picture has the result of `task`; empty if none has."""
        path, content = _path(task), task.given["content"]
        other = self._contents.setdefault(path, content)
        if other == content:
            return ""
        return f"{other} and {content} would both become {path}: rename one of them"


def check_styles(
    styles: Iterable[Path], all_settings: Sequence[Settings]
) -> tuple[str, ...]:
    """Check that all styles can be read and are as many as the settings need.

    Args:
        styles: Paths of the styles of all pictures.
        all_settings: Settings that pictures are to be made with.

    Returns:
        The paths as text.

    Raises:
        UsageError: A style is stdin, or settings need another number of styles.
        ImageError: A style, or a picture that settings name, cannot be read, or a mask
            is not a mask.
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
    size = max(settings.size for settings in all_settings)
    longest = max(blend.longest(each.style_scale, size) for each in all_settings)
    pictures = [images.load(path, role="style", longest=longest) for path in paths]
    for settings in all_settings:
        regions.read(settings, None, pictures)  # what is masked of the styles
    for file, name in named.items():
        images.load(file, role=name.replace("_", "-"), longest=longest)
    return tuple(map(str, paths))


def _kept(path: Path) -> Kept:
    """Keep the run of a picture beside it, hidden."""
    return Kept(checkpoint=path.with_name(f".{path.name}.checkpoint"), seconds=SECONDS)


def _path(task: Task) -> Path:
    return task.output.path if task.output else Path()
