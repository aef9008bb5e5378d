"""The folder of a job: what was asked for, what became of it, and its pictures."""

import json
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from ..jobs.task import Kept, Output, Task
from ..records import archive
from ..settings import typed
from ..settings.jobs import JOBS
from ..settings.scalars import digest, one_of, side
from ..settings.settings import Settings
from .journal import Journal

#: Most characters of a description.
_LONGEST: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What was asked for. Pictures are named as in the folder.

    Attributes:
        id: Name of the job, which nobody can guess.
        owner: Who asked.
        created: When.
        name: What the client calls it.
        job: Name of the job.
        content: Content picture, if it has one.
        style: Style pictures, if it has any.
        size: Width and height of a texture.
        settings: Settings, in plain form.
        model: Name of the model; None for the server's.
        suffix: Suffix of the result.
        key: Digest of the idempotency key and its owner, if one was given.
        request: Digest of everything that was asked for.
    """

    id: str
    owner: str
    created: float
    name: str
    job: Annotated[str, one_of(JOBS)]
    content: str | None = None
    style: tuple[str, ...] = ()
    size: tuple[Annotated[int, side()], Annotated[int, side()]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    suffix: str = ".png"
    key: str | None = None
    request: Annotated[str, digest()]

    @property
    def pictures(self) -> dict[str, list[str]]:
        """Names of the pictures that were sent, by role or setting."""
        found = {
            "content": [self.content] if self.content else [],
            "style": [*self.style],
        }
        for named, file in self.parsed.files.items():  # "protect", or "style_mask 2"
            found.setdefault(named.partition(" ")[0], []).append(file)
        return found

    @cached_property
    def parsed(self) -> Settings:
        """The settings, pictures as names."""
        return Settings.from_dict(self.settings)

    def forget(self) -> None:
        """Forget what can be read again: many jobs are kept that have ended."""
        self.__dict__.pop("parsed", None)


class JobFolder:
    """The files of a job.

    Attributes:
        path: The folder, whose name is that of the job.
    """

    def __init__(self, path: Path) -> None:
        """Name the folder."""
        self.path = path

    @property
    def journal(self) -> Journal:
        """What happened to it."""
        return Journal(self.path / "events.jsonl")

    @property
    def preview(self) -> Path:
        """The latest preview."""
        return self.path / "preview.jpg"

    @property
    def best(self) -> Path:
        """The best picture so far, at full size."""
        return (self.path / "best").with_suffix(self.spec.suffix)

    @property
    def result(self) -> Path:
        """The finished picture."""
        return (self.path / "result").with_suffix(self.spec.suffix)

    @property
    def checkpoint(self) -> Path:
        """The run while it goes on."""
        return self.path / "run.checkpoint"

    @cached_property
    def spec(self) -> Spec:
        """What was asked for.

        Raises:
            ValueError: The file is missing or damaged.
        """
        try:
            text = (self.path / "job.json").read_text("utf-8")
        except OSError as error:
            raise ValueError(f"job.json cannot be read: {error.strerror}") from error
        found: Spec = typed.parse(Spec, typed.loads(text, _LONGEST), "job", {})
        return found

    def describe(self, spec: Spec) -> None:
        """Write down what was asked for."""
        text = json.dumps(asdict(spec))
        (self.path / "job.json").write_text(text, "utf-8")

    def task(self, checkpoint: float) -> Task:
        """Return the task that makes the picture.

        Args:
            checkpoint: Seconds between two checkpoints of a picture of 512 × 512. A
                larger one is written as often as costs the same.
        """
        spec, settings = self.spec, self.spec.parsed
        given: dict[str, Any] = {}
        if spec.content:
            given["content"] = str(self.path / spec.content)
        if spec.style:
            given["style"] = tuple(str(self.path / name) for name in spec.style)
        if spec.size:
            given["size"] = spec.size
        longest = max(spec.size or (settings.size,))
        named = {role: str(self.path / name) for role, name in settings.files.items()}
        return Task(
            job=spec.job,
            given=given,
            settings=settings.with_files(named),
            output=Output(path=self.result, overwrite=True),
            model=spec.model,
            kept=Kept(
                checkpoint=self.checkpoint,
                seconds=checkpoint * max(1.0, (longest / 512) ** 2),
                unfinished=self.best,
            ),
        )

    @property
    def picture(self) -> Path:
        """The finished picture if it is there, else the best one so far."""
        return self.result if self.result.exists() else self.best

    def tidy(self, *, done: bool) -> None:
        """Remove what killed processes left, and if it is done, what a run needs."""
        spec = self.spec
        inputs = {spec.content, *spec.style, *spec.parsed.files.values()}
        kept = {self.preview.name, self.result.name, *inputs}
        if not done:
            kept |= {self.best.name, *(p.name for p in archive.files(self.checkpoint))}
        self._keep(kept)

    def expire(self) -> None:
        """Remove everything but the fact that there was such a job."""
        self._keep(set())

    def _keep(self, names: Collection[str | None]) -> None:
        for path in self.path.iterdir():
            if path.name not in {"job.json", self.journal.path.name, *names}:
                path.unlink(missing_ok=True)

    def erase(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        total = 0
        with suppress(FileNotFoundError):  # erased in the meantime
            for path in self.path.iterdir():
                with suppress(FileNotFoundError):  # replaced in the meantime
                    total += path.stat().st_size
        return total
