"""Records a run where it runs: its progress in the journal, previews, the best picture.

It is a callback of the run, in the worker process, so whatever becomes of the server or
of the worker, files hold all that a client can ask for.
"""

from dataclasses import dataclass
from io import BytesIO
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
from PIL import Image

from ..errors import OutputError
from ..transfer.result import Progress
from .folder import JobFolder

#: Longest side of a preview.
LONGEST: Final = 1024

#: How many times as long as the last one took is waited at least before the next one,
#: so that previews, and copies of the best picture, cost no more than 4 % each.
_SPARING: Final = 24

#: Seconds of a run of which no picture is left if its process dies in them. Told to
#: end, a run keeps its picture itself.
_MOMENT: Final = 1.0


@dataclass
class _Clock:
    """Says when something is due again.

    Attributes:
        seconds: Least time between two of them.
    """

    seconds: float
    _next: float = 0.0

    def due(self) -> bool:
        return monotonic() >= self._next

    def done(self, began: float) -> None:
        now = monotonic()
        self._next = now + max(self.seconds, _SPARING * (now - began))


@dataclass
class Recorder:
    """Records one run of a job.

    Attributes:
        folder: Folder of the job.
        preview: Seconds between two previews.
        best: Seconds between two copies of the best picture at full size.
        version: Number of the last preview of an earlier attempt.
    """

    folder: Path
    preview: float
    best: float
    version: int

    def __post_init__(self) -> None:
        """Have both due at once."""
        self._previews, self._copies = _Clock(self.preview), _Clock(self.best)

    def __call__(self, progress: Progress) -> None:
        """Record the progress, and what is due besides.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            self._record(JobFolder(self.folder), progress)
        except OSError as error:
            raise OutputError(f"cannot write the journal: {error.strerror}") from error

    def _record(self, job: JobFolder, progress: Progress) -> None:
        losses = progress.losses
        job.journal.append(
            "progress",
            evaluation=progress.evaluation,
            evaluations=progress.settings.iterations,
            level=progress.level,
            levels=progress.levels,
            size=losses.size,
            loss=_finite(losses.total),
            terms={name: _finite(term) for name, term in losses.terms.items()},
            seconds=round(progress.seconds, 3),
            seconds_left=round(progress.seconds_left, 3),
        )
        if self._previews.due():
            began = monotonic()
            draft = job.path / "preview.part"
            draft.write_bytes(_preview(progress.image_hwc))
            draft.replace(job.preview)  # nothing is lost with it: no need to wait
            self.version += 1
            self._previews.done(began)
            job.journal.append(
                "preview", version=self.version, evaluation=progress.evaluation
            )
        if progress.seconds > _MOMENT and self._copies.due():
            began = monotonic()
            progress.save(job.best)
            self._copies.done(began)


def _finite(value: float) -> float | None:
    """Return what JSON can say of a number."""
    return float(value) if isfinite(value) else None


def _preview(image_hwc: Any) -> bytes:
    """Encode a picture as a JPEG of at most `LONGEST` pixels a side."""
    levels = np.rint(np.clip(image_hwc, 0, 255)).astype(np.uint8)
    image = Image.fromarray(levels)
    image.thumbnail((LONGEST, LONGEST))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
