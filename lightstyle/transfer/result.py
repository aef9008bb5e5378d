"""What a run yields: progress while it goes on, a result when it has ended."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..arrays import Vector
from ..images import encoding
from ..losses.objective import Losses
from ..optimize.minimize import Status
from ..records.record import Record
from ..settings.settings import Settings


@dataclass(frozen=True, eq=False)
class Progress:
    """The state of a run after an evaluation, as callbacks see it.

    Attributes:
        history: Losses of all evaluations so far, the latest last.
        settings: Of the run.
        seconds: Since the run began.
        level: Number of the level that the picture is worked on at, from 1.
        levels: How many there are.
        seconds_left: Estimate of what all remaining evaluations take.
        record: What made the picture so far.
    """

    history: tuple[Losses, ...]
    settings: Settings
    seconds: float
    level: int
    levels: int
    seconds_left: float
    record: Record
    _best_nchw: Callable[[], Vector]
    _alpha_hw: NDArray[np.float32] | None
    _composite: Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], object]]

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
        """Best picture so far, (H, W, 3), 0…255, made at each call.

        It is enlarged to the size of the result where a level is smaller, and has the
        colours that `Settings.color` asks for.
        """
        return self._composite(images.from_pixels(self._best_nchw()))[0]

    def save(
        self, path: str | PathLike[str], bits: int = 8, *, metadata: bool = True
    ) -> None:
        """Write the best picture so far, as `Result.save` does."""
        encoding.save(
            Path(path),
            self.image_hwc,
            alpha_hw=self._alpha_hw,
            bits=bits,
            text=str(self.record) if metadata else None,
        )


@dataclass(frozen=True, eq=False)
class Result:
    """A finished picture.

    Attributes:
        image_hwc: (H, W, 3), RGB, float32, 0…255.
        alpha_hw: (H, W), 0…255, where the content had transparency.
        status: How the optimisation ended.
        loss: The lowest loss of the last level that was begun, which is that of the
            picture before it is rounded, and before `Settings.color` changes it.
        history: Losses of every evaluation.
        seconds: Of the whole run, loading of the model included.
        settings: That made it.
        optimizer: That ran: ``lbfgs`` or ``lbfgsb``.
        record: What made it, which `save` writes into the file.
        notes: What a person should know of the input pictures and of the colours.
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

    @property
    def evaluations(self) -> int:
        """Evaluations of loss and gradient."""
        return len(self.history)

    def to_bytes(
        self, suffix: str = ".png", bits: int = 8, *, metadata: bool = True
    ) -> bytes:
        """The file that `save` would write to a path with this `suffix`."""
        return encoding.encoded(
            Path(f"picture{suffix}"),
            self.image_hwc,
            alpha_hw=self.alpha_hw,
            bits=bits,
            text=str(self.record) if metadata else None,
        )

    def to_array(self) -> NDArray[np.uint8]:
        """(H, W, 3), or (H, W, 4) where the content had transparency."""
        planes = self.image_hwc
        if self.alpha_hw is not None:
            planes = np.dstack([planes, self.alpha_hw])
        return np.rint(planes).astype(np.uint8)

    def to_pil(self) -> Image.Image:
        """The picture as a PIL image."""
        return Image.fromarray(self.to_array())

    def save(
        self, path: str | PathLike[str], bits: int = 8, *, metadata: bool = True
    ) -> None:
        """Write the picture in the format of the suffix, replacing any file at `path`.

        Args:
            path: Where to.
            bits: Bits a channel: 8, or for PNG and TIFF 16.
            metadata: Whether `record` goes into the file, from which `Record.read` and
                ``lightstyle info`` have it; BMP has no place for it.

        Raises:
            OutputError: If it cannot be written; no partial file is left.
        """
        encoding.save(
            Path(path),
            self.image_hwc,
            alpha_hw=self.alpha_hw,
            bits=bits,
            text=str(self.record) if metadata else None,
        )
