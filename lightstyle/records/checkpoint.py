"""Where a run is kept while it goes on, and how it is read again to be resumed."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from ..arrays import Size
from ..digest import sha256_of
from ..engine.model_info import ModelInfo
from ..errors import CheckpointError, UsageError
from ..lookup import exists, usable
from ..settings import typed
from ..settings.fields import option_of
from ..settings.jobs import prepared
from ..settings.scalars import Kind, checked, number, require
from ..settings.scalars import path as any_path
from ..settings.settings import Settings
from . import archive
from .origin import sources
from .record import identity, without_folders
from .snapshot import LONGEST_RUN, Snapshot

#: Default number of seconds between two checkpoints.
SECONDS: Final = 60.0

#: Most characters of `Checkpoint.extra` as JSON.
_LONGEST_EXTRA: Final = 1_000_000


def _storable(extra: Any) -> Any:
    require(isinstance(extra, Mapping))
    try:
        typed.loads(json.dumps(dict(extra)), _LONGEST_EXTRA)
    except (TypeError, RecursionError) as error:
        raise ValueError from error
    return extra


#: Values for whoever resumes a run.
_EXTRA: Final = Kind("a mapping of JSON values, few and not deeply nested", _storable)


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that was read and checked.

    Attributes:
        path: The file.
        snapshot: Its contents. The arrays are mapped from the file when they are
            looked up: use them before the next checkpoint is written.
    """

    path: Path
    snapshot: Snapshot

    @classmethod
    def newest(cls, path: str | os.PathLike[str]) -> Self:
        """Load the newest good checkpoint, and move it to `path` if it is the previous.

        Raises:
            UsageError: If no file can have that name.
            CheckpointError: If neither the file at `path` nor the previous one is good;
                the message says what is wrong with the first.
        """
        path = usable(path, f"checkpoint {os.fspath(path)}")
        older = archive.previous(path)
        try:
            return cls._read(path)
        except CheckpointError:
            with suppress(CheckpointError, OSError):
                cls._read(older)
                older.replace(path)
                return cls._read(path)
            raise

    def check_inputs(self) -> None:
        """Check that the input files are the ones that the run was started with.

        Raises:
            CheckpointError: If one is missing or was changed; the message names it.
        """
        for name, known in self.snapshot.origin.inputs.items():
            role = option_of(name)
            try:
                found = sha256_of(Path(known.path))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise CheckpointError(
                    f"{role} {known.path} of checkpoint {self.path} cannot be read: "
                    f"{reason}; put the file back to resume"
                ) from error
            if found != known.sha256:
                raise CheckpointError(
                    f"{role} {known.path} was changed since checkpoint {self.path} "
                    "was written: put the old file back to resume, or start the run "
                    "again"
                )

    def check_run(self, job: str, given: Mapping[str, Any], settings: Settings) -> None:
        """Check that the run is that of a job, wherever the input files lie by now.

        Args:
            job: Name of the job.
            given: Its images, as files, and the size of a texture, by parameter name.
            settings: Its settings.

        Raises:
            CheckpointError: If it is another one.
        """
        origin, wanted = self.snapshot.origin, prepared(settings, job)
        inputs = sources(given) | settings.files
        same = (
            origin.job == job
            and origin.size == given.get("size")
            and without_folders(origin.settings) == without_folders(wanted)
            and {role: known.sha256 for role, known in origin.inputs.items()}
            == {role: identity(each)["sha256"] for role, each in inputs.items()}
        )
        if not same:
            raise CheckpointError(f"checkpoint {self.path} is of another run")

    def check_model(self, info: ModelInfo) -> None:
        """Check that a model is the one that the run was started with.

        Raises:
            CheckpointError: If its weights are others.
        """
        expected = self.snapshot.origin.model.sha256
        if info.weights_digest != expected:
            raise CheckpointError(
                f"model {info.path} has weights {info.weights_digest[:12]}…, expected "
                f"{expected[:12]}… of checkpoint {self.path}: put the old model back "
                "to resume, or start the run again"
            )

    def check_level(self, sizes: Sequence[Size]) -> None:
        """Check that the run can resume at the checkpoint's pyramid level.

        Args:
            sizes: Width and height of each level of the run.

        Raises:
            CheckpointError: If there is no such level.
        """
        level, size = self.snapshot.level, self.snapshot.history[-1].size
        if level >= len(sizes) or sizes[level] != size:
            raise CheckpointError(
                f"checkpoint {self.path} is unusable: its run has no level {level} of "
                f"{size[0]}×{size[1]}; start the run again"
            )

    @classmethod
    def _read(cls, path: Path) -> Self:
        arrays = archive.read(path)
        try:
            return cls(path, Snapshot.parse(arrays.snapshot, arrays))
        except (ValueError, UsageError) as error:
            raise CheckpointError(f"checkpoint {path} is unusable: {error}") from error


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept while it goes on, and how often.

    Two files are kept, the newest at `path` and the one before it, so that being killed
    while one is written costs no more than `seconds`. Call `remove` once the image is
    saved.

    Attributes:
        path: The file.
        seconds: Time between two checkpoints, 0 or more; 0 writes one after every
            evaluation.
        extra: JSON values for whoever resumes the run.
        saved: Where the run resumes; set by `lightstyle.resume`.
    """

    path: Path
    seconds: float = SECONDS
    extra: Mapping[str, Any] = field(default_factory=dict)
    saved: LoadedCheckpoint | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Accept any kind of path and of number.

        Raises:
            UsageError: If an attribute is of another kind.
        """
        path = Path(checked("path of the checkpoint", any_path(), self.path))
        object.__setattr__(self, "path", path)
        seconds = checked("checkpoint-every", number(0, LONGEST_RUN), self.seconds)
        object.__setattr__(self, "seconds", seconds)
        checked("extra of the checkpoint", _EXTRA, self.extra)

    @classmethod
    def after(cls, saved: LoadedCheckpoint) -> Self:
        """Resume from `saved`, and keep the run in the same place."""
        snapshot = saved.snapshot
        return cls(saved.path, snapshot.interval, snapshot.extra, saved)

    def existing(self) -> list[Path]:
        """Return the files of the checkpoint that exist."""
        return [path for path in archive.files(self.path) if exists(path)]

    def remove(self) -> None:
        """Remove the files, when the run need not be resumed any more."""
        for path in archive.files(self.path):
            with suppress(OSError):  # the picture, which matters, is saved
                path.unlink(missing_ok=True)
