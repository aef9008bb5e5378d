"""Writes the checkpoints of a run, if there is a place and space for them."""

import shutil
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Final

from ..arrays import Array
from ..engine.plan import ExecutionPlan
from ..errors import OutputError
from ..lookup import exists
from ..losses.objective import Losses
from ..losses.weights import Balance
from ..optimize.curvature import HISTORY
from ..optimize.minimize import METHODS, MinimizerState
from ..settings.settings import Settings
from . import archive
from .checkpoint import Checkpoint
from .origin import Origin
from .snapshot import Snapshot

#: Upper bound of the JSON text of a checkpoint, in bytes per evaluation.
_TEXT_BYTES: Final = 1000


class CheckpointWriter:
    """Writes the checkpoints of one run.

    Attributes:
        failure: Why the latest checkpoint could not be written; empty if it was.
    """

    def __init__(self, checkpoint: Checkpoint, origin: Origin, variables: int) -> None:
        """Check that there is enough space on the disk.

        Args:
            checkpoint: Where and how often to write.
            origin: What the run was started with.
            variables: Number of variables of the largest level.

        Raises:
            OutputError: If there is not, or the checkpoint of another run exists.
        """
        self._checkpoint = checkpoint
        self._origin = origin
        self._written = perf_counter()
        self.failure = ""
        _check_old(checkpoint)
        _check_space(checkpoint, origin.settings, variables)

    @property
    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return perf_counter() - self._written >= self._checkpoint.seconds

    def write(
        self,
        state: MinimizerState,
        history: Sequence[Losses],
        seconds: float,
        level: int,
        balance: Balance,
        used: Mapping[str, ExecutionPlan],
        level_start: Array | None = None,
    ) -> None:
        """Write a checkpoint; if that fails the run goes on, and `notes` say why.

        Args:
            state: State of the optimisation.
            history: Losses of all evaluations.
            seconds: Time that the run has taken so far.
            level: Index of the pyramid level.
            balance: Weights of the loss.
            used: Execution plans of the run, to be repeated when it is resumed.
            level_start: (1, 3, H, W), the image that the level started from, if the
                targets depend on it.
        """
        snapshot = Snapshot.of(
            state,
            level_start,
            origin=self._origin,
            history=tuple(history),
            elapsed=seconds,
            level=level,
            balance=balance,
            plans=used,
            interval=self._checkpoint.seconds,
            extra=self._checkpoint.extra,
        )
        try:
            archive.write(self._checkpoint.path, str(snapshot), snapshot.arrays)
            self.failure = ""
        except OutputError as error:
            self.failure = f"{error}; a resumed run would repeat more evaluations"
        self._written = perf_counter()


def _check_old(checkpoint: Checkpoint) -> None:
    """Refuse a name that files cannot have, and the checkpoint of another run."""
    for path in archive.files(checkpoint.path):
        try:
            path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputError(
                f"checkpoint {checkpoint.path} cannot be written: {path.name}: "
                f"{error.strerror}; choose another name"
            ) from error
    *kept, _ = archive.files(checkpoint.path)  # an unfinished one is worth nothing
    found = [path for path in kept if exists(path)]
    if found and checkpoint.saved is None:
        raise OutputError(
            f"checkpoint {found[0]} exists: continue that run with `lightstyle resume "
            f"{checkpoint.path}`, choose another name, or remove the file"
        )


def _check_space(checkpoint: Checkpoint, settings: Settings, variables: int) -> None:
    """Refuse a disk without space for two checkpoints and an unfinished one."""
    method, vector = METHODS[settings.chosen_optimizer], 4  # bytes of a float32
    kept = method.footprint(HISTORY).kept if method.resumable else vector
    kept += vector * bool(settings.matched_layers)
    each = variables * kept + _TEXT_BYTES * settings.iterations
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
            f"of {each / 1e6:.0f} MB), but {folder} has {free / 1e6:.0f} MB free: "
            "choose another folder, or leave out --checkpoint"
        )
