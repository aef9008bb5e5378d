"""What a run gives: its progress while it goes on, and its result at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..arrays import Vector
from ..files import atomic_write
from ..images import encoding
from ..images.metadata import LONGEST as LONGEST_RECORD
from ..images.photo_tags import NO_TAGS, PhotoTags
from ..losses.objective import Losses
from ..optimize.minimize import Status
from ..records.record import Record
from ..settings import arguments
from ..settings.choices import Metadata
from ..settings.scalars import checked, flag, one_of
from ..settings.scalars import path as any_path
from ..settings.settings import Settings
from ..text import counted


@dataclass(frozen=True, eq=False)
class Progress:
    """A run after an evaluation, as callbacks see it.

    Attributes:
        history: Losses of all evaluations so far, the latest last.
        settings: Settings of the run.
        seconds: Time since the run began.
        level: Number of the pyramid level, from 1; there are two of the final size if
            the weights are corrected there.
        levels: Number of levels.
        level_began: Number of evaluations before this level.
        seconds_left: Estimated time of all remaining evaluations.
        record: What made the picture so far.
        alpha_hw: Alpha of the picture, (H, W), float32, 0…255, or `None`.
        photo: What the file of the content says of the photo.
    """

    history: tuple[Losses, ...]
    settings: Settings
    seconds: float
    level: int
    levels: int
    level_began: int
    seconds_left: float
    record: Record
    alpha_hw: NDArray[np.float32] | None
    _best_nchw: Callable[[], Vector]
    _composite: Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], object]]
    photo: PhotoTags = NO_TAGS

    @property
    def evaluation(self) -> int:
        """Number of this evaluation, from 1 to `Settings.iterations`."""
        return len(self.history)

    @property
    def losses(self) -> Losses:
        """Losses of this evaluation."""
        return self.history[-1]

    @property
    def image_hwc(self) -> NDArray[np.float32]:
        """Best picture so far, (H, W, 3), RGB, float32, 0…255; made at each call.

        It has the size of the result, also on smaller levels, and the colours that
        `Settings.color` asks for.
        """
        return self._composite(self._best_nchw())[0]

    def save(
        self, path: str | PathLike[str], bits: int = 8, *, metadata: bool = True
    ) -> None:
        """Write the best picture so far; arguments are those of `Result.save`."""
        target = Path(checked("path", any_path(), path))
        atomic_write(target, _encoded(self, target, bits, metadata=metadata))

    def __repr__(self) -> str:
        return (
            f"<Progress: evaluation {self.evaluation} of {self.settings.iterations}, "
            f"level {self.level} of {self.levels}, loss {self.losses.total:.6g}>"
        )


@dataclass(frozen=True, eq=False)
class Result:
    """A finished picture; a notebook shows it.

    Attributes:
        image_hwc: The picture, (H, W, 3), RGB, float32, 0…255.
        alpha_hw: Its alpha, (H, W), float32, 0…255; `None` if the content is opaque.
        status: How the optimisation ended.
        loss: Lowest loss of the last level. It is the picture's before
            `Settings.color` changes it, and before it is rounded.
        history: Losses of every evaluation.
        seconds: Time of the whole run; the model is loaded within it.
        settings: Settings of the run.
        optimizer: Optimiser that ran: ``lbfgs`` or ``lbfgsb``.
        record: What made the picture; `save` writes it into the file.
        notes: What the user should know about the input images, the colours and the
            checkpoint.
        photo: What the file of the content says of the photo; `save` writes of it what
            `Settings.metadata` asks for.
        checkpoint_failure: Why the latest checkpoint could not be written; empty if it
            was, or there is none.
    """

    image_hwc: NDArray[np.float32]
    alpha_hw: NDArray[np.float32] | None
    status: Status
    loss: float
    history: tuple[Losses, ...]
    seconds: float
    settings: Settings
    optimizer: str
    record: Record
    notes: tuple[str, ...]
    photo: PhotoTags = NO_TAGS
    checkpoint_failure: str = ""

    @property
    def evaluations(self) -> int:
        """Number of evaluations of loss and gradient."""
        return len(self.history)

    def to_bytes(
        self, suffix: str = ".png", bits: int = 8, *, metadata: bool = True
    ) -> bytes:
        """Encode the picture as `save` does.

        Args:
            suffix: Suffix of a file name, which chooses the format.
            bits: As of `save`.
            metadata: As of `save`.

        Returns:
            The contents of the file.

        Raises:
            UsageError: If there is no such format, or it has not as many bits.
        """
        suffix = checked("suffix", one_of(encoding.FORMATS), suffix)
        return _encoded(self, Path(f"picture{suffix}"), bits, metadata=metadata)

    def to_array(self) -> NDArray[np.uint8]:
        """Return the picture, (H, W, 3), or (H, W, 4) if the content has alpha."""
        planes = self.image_hwc
        if self.alpha_hw is not None:
            planes = np.dstack([planes, self.alpha_hw])
        return np.rint(planes).astype(np.uint8)

    def to_pil(self) -> Image.Image:
        """Return the picture as a PIL image, RGB or RGBA."""
        return Image.fromarray(self.to_array())

    def save(
        self, path: str | PathLike[str], bits: int = 8, *, metadata: bool = True
    ) -> None:
        """Write the picture, and replace any file at `path`.

        Args:
            path: The file; its suffix chooses the format.
            bits: Bits per channel: 8, or 16 for PNG and TIFF.
            metadata: Whether to write what `Settings.metadata` asks for; of that,
                `Record.read` and ``lightstyle info`` find `record`. BMP cannot hold it.

        Raises:
            UsageError: If an argument is invalid.
            OutputError: If it cannot be written; no partial file is left.
        """
        target = Path(checked("path", any_path(), path))
        atomic_write(target, _encoded(self, target, bits, metadata=metadata))

    def __repr__(self) -> str:
        height, width = self.image_hwc.shape[:2]
        return (
            f"<Result: {width}x{height}, {counted(self.evaluations, 'iteration')} of "
            f"{self.optimizer} in {self.seconds:.1f} s, loss {self.loss:.6g} "
            f"({self.status.value})>"
        )

    def _repr_png_(self) -> bytes:
        """Return what notebooks show."""
        return self.to_bytes(".png", metadata=False)


def record_notes(record: Record) -> tuple[str, ...]:
    """Return a note if a record is too long for the file of the picture."""
    length = len(str(record))
    if record.settings.metadata == Metadata.NONE or length <= LONGEST_RECORD:
        return ()
    return (
        f"the record of how the picture was made has {length:,} characters, at most "
        f"{LONGEST_RECORD:,} fit: it is left out of the file",
    )


def _encoded(
    picture: Progress | Result, path: Path, bits: int, *, metadata: bool
) -> bytes:
    bits = checked("bits", arguments.BITS, bits)
    metadata = checked("metadata", flag(), metadata)
    image_hwc, alpha_hw = picture.image_hwc, picture.alpha_hw
    choice = picture.settings.metadata if metadata else Metadata.NONE
    text = None if choice == Metadata.NONE else str(picture.record)
    return encoding.encoded(
        path,
        image_hwc,
        alpha_hw=alpha_hw,
        bits=bits,
        text=text,
        tags=picture.photo.chosen(choice),
    )
