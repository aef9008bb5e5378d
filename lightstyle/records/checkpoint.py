"""Where, when and how much of a run is kept so that it can be continued.

That is the best picture, the optimiser's state with its history, all losses, and what
`saved.describe` says of the settings, the job and its files; where features are matched
with those of the picture that a level began with, that picture, too.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Self

import numpy as np

from ..arrays import Array
from ..engine.plan import ExecutionPlan
from ..errors import OutputError, UsageError
from ..losses.objective import Losses
from ..optimize.lbfgs import HISTORY
from ..optimize.minimize import State
from ..settings.choices import Optimizer, StyleLoss
from . import checkpoint_file, plans
from .saved import LoadedCheckpoint

#: Seconds between two checkpoints, if nothing else is said.
SECONDS: Final = 60.0

#: What the head of a checkpoint may take beside its arrays, for each evaluation.
_HEAD_BYTES: Final = 1000


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept while it goes on, and how often.

    Two are kept, the newest at `path` and one before it, so that being killed while one
    is written costs no more than `seconds`. `remove` them when the picture is safe.

    Attributes:
        path: Of the file.
        seconds: Between two checkpoints, 0 or more; 0 writes after every evaluation.
        extra: What whoever continues the run wants to know; values for JSON.
        saved: Where to go on; `lightstyle.resume` sets it.
    """

    path: Path
    seconds: float = SECONDS
    extra: Mapping[str, Any] = field(default_factory=dict)
    saved: LoadedCheckpoint | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Take any kind of path.

        Raises:
            UsageError: If `seconds` is less than 0.
        """
        object.__setattr__(self, "path", Path(self.path))
        if not self.seconds >= 0:
            raise UsageError(
                f"checkpoint-every is {self.seconds:g}, expected 0 or more seconds"
            )

    @classmethod
    def after(cls, saved: LoadedCheckpoint) -> Self:
        """Go on from `saved`, and keep the run where it was."""
        return cls(saved.path, saved.head["seconds"], saved.head["extra"], saved)

    def existing(self) -> list[Path]:
        """Files of a checkpoint that are there."""
        return [path for path in checkpoint_file.files(self.path) if path.exists()]

    def remove(self) -> None:
        """Remove the files: the run need not be continued."""
        for path in checkpoint_file.files(self.path):
            path.unlink(missing_ok=True)


class CheckpointWriter:
    """Writes the checkpoints of one run."""

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        description: Mapping[str, Any],
        variables: int,
    ) -> None:
        """Check that there will be room.

        Args:
            checkpoint: Where and how often; none keeps nothing.
            description: Of the run, by `saved.describe`.
            variables: Of the optimisation, where it has the most.

        Raises:
            OutputError: If there is not, or an older run's checkpoint is in the way.
        """
        self._checkpoint = checkpoint
        self._description = description
        self._written = perf_counter()
        self._failure = ""
        if checkpoint is not None:
            _check_old(checkpoint)
            _check_room(checkpoint, description, variables)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why the latest checkpoint could not be written, if so."""
        return (self._failure,) if self._failure else ()

    @property
    def due(self) -> bool:
        """Whether the last was written long enough ago."""
        return self._checkpoint is not None and (
            perf_counter() - self._written >= self._checkpoint.seconds
        )

    def write(
        self,
        state: State,
        history: Sequence[Losses],
        seconds: float,
        level: int,
        used: Mapping[str, ExecutionPlan],
        begin: Array | None = None,
    ) -> None:
        """Write a checkpoint; if that fails the run goes on, and `notes` say why.

        Args:
            state: Of the optimisation.
            history: Losses of all evaluations.
            seconds: That the run took so far.
            level: Of the pyramid, from 0.
            used: Layouts of the run, for it to go on in the same.
            begin: (1, 3, H, W), what the level began with, if its targets are of that.
        """
        if self._checkpoint is None:
            return
        inner = state.optimizer
        arrays = {k: v for k, v in (inner or {}).items() if isinstance(v, np.ndarray)}
        numbers = {k: v for k, v in (inner or {}).items() if k not in arrays}
        pictures = {"best": state.point} | ({} if begin is None else {"begin": begin})
        head = {
            **self._description,
            "state": {
                "loss": state.loss,
                "evaluations": state.evaluations,
                "before": state.before,
                "optimizer": None if inner is None else numbers,
            },
            "history": [asdict(losses) for losses in history],
            "elapsed": seconds,
            "level": level,
            "layouts": plans.as_dict(used),
            "seconds": self._checkpoint.seconds,
            "extra": self._checkpoint.extra,
        }
        try:
            checkpoint_file.write(self._checkpoint.path, head, {**pictures, **arrays})
            self._failure = ""
        except OutputError as error:
            self._failure = f"{error}; a resumed run would repeat more"
        self._written = perf_counter()


def _check_old(checkpoint: Checkpoint) -> None:
    """Refuse to write over the checkpoint of another run."""
    found = checkpoint.existing()
    if found and checkpoint.saved is None:
        raise OutputError(
            f"checkpoint {found[0]} exists: `lightstyle resume {checkpoint.path}` "
            "goes on with it; choose another name, or remove it to begin anew"
        )


def _check_room(
    checkpoint: Checkpoint, description: Mapping[str, Any], variables: int
) -> None:
    """Refuse a disk on which three checkpoints (two, and one in writing) do not fit."""
    settings = description["settings"]
    vectors = 1 if settings["optimizer"] == Optimizer.LBFGSB else 4 + 2 * HISTORY.pairs
    vectors += settings.get("style_loss") == StyleLoss.MATCH
    each = 4 * variables * vectors + _HEAD_BYTES * settings["iterations"]
    there = sum(path.stat().st_size for path in checkpoint.existing())
    folder = checkpoint.path.absolute().parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(
            f"checkpoint {checkpoint.path} cannot be written: {error.strerror}"
        ) from error
    if free < 3 * each - there:
        raise OutputError(
            f"checkpoint {checkpoint.path} needs up to {3 * each / 1e6:.0f} MB (three "
            f"of {each / 1e6:.0f} MB), and {free / 1e6:.0f} MB are free in {folder}: "
            "choose another folder, or do without --checkpoint"
        )
