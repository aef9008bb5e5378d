"""What runs on the machines of a cluster: an actor that paints pictures, one by one."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from .. import leftovers
from ..jobs.painter import Painter, Runtime
from ..jobs.task import Task
from .local import VARIABLE
from .model_files import ModelFiles
from .parcel import Parcel, Reply

#: Seconds that a look at a run takes if nothing happens.
WATCH: Final = 2.0

#: Seconds without a look after which nobody waits for a run any more.
_LEASE: Final = 30.0

_POLL: Final = 0.1


class RemoteWorker:
    """Paints the pictures that it is sent.

    Its methods are called beside each other, each by one caller at a time. The numbers
    of the parcels that it gets increase.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Load nothing yet."""
        self._painter = Painter(runtime)
        self._model: tuple[ModelFiles, Path] | None = None
        self._begun = self._ended = self._given_up = 0
        self._looked = monotonic()
        self._checkpoint: Path | None = None

    def sees(self, probe: Path, content: bytes) -> bool:
        """Return whether this machine sees a file."""
        try:
            return probe.read_bytes() == content
        except OSError:
            return False

    def paint(
        self,
        parcel: Parcel,
        model: ModelFiles,
        contents: Mapping[str, bytes] | None = None,
    ) -> Reply:
        """Make a picture.

        Args:
            parcel: The task.
            model: Its model.
            contents: Files of the model, if they are sent.
        """
        self._begun, self._looked = parcel.number, monotonic()
        try:
            path = self._find(model, contents)
            if path is None:
                return Reply(lacks_model=True)
            if parcel.contents is not None:
                return self._painted_here(parcel, path)
            if not parcel.is_seen:
                return Reply(lacks_files=True)
            return Reply(self._painter.paint(_with(parcel.task, path), self._stopping))
        except Exception as error:
            return Reply(fault=error)
        finally:
            self._ended = parcel.number

    def watch(self, number: int, known: int) -> tuple[int, bytes | None]:
        """Wait for a checkpoint of a run, or its end, or some seconds.

        Args:
            number: Number of the parcel.
            known: What the last look returned first; 0 for the first.

        Returns:
            A number that tells the checkpoint, and the file, if it is a new one and is
            to be sent.
        """
        until = monotonic() + WATCH
        while self._ended < number and (now := monotonic()) < until:
            self._looked = now
            path = self._checkpoint if self._begun == number else None
            if path is not None:
                with suppress(OSError):  # none yet, or it makes way for the next
                    found = path.stat().st_mtime_ns
                    if found != known:
                        return found, path.read_bytes()
            sleep(_POLL)
        return known, None

    def give_up(self, number: int) -> None:
        """Give up the run of a parcel after its evaluation."""
        self._given_up = number

    def _stopping(self) -> bool:
        forgotten = monotonic() - self._looked > _LEASE
        return self._given_up == self._begun or forgotten

    def _find(
        self, model: ModelFiles, contents: Mapping[str, bytes] | None
    ) -> Path | None:
        """Return where the files of a model are; None if they must be sent."""
        if self._model is not None and self._model[0] == model:
            return self._model[1]
        path = model.find(contents)
        if path is not None:
            self._model = model, path
        return path

    def _painted_here(self, parcel: Parcel, model: Path) -> Reply:
        """Paint a picture whose files were sent, in a folder of its own."""
        place = Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
        with leftovers.folder(place / "lightstyle-worker") as folder:
            task = parcel.unpacked(folder)
            kept = self._checkpoint = task.kept.checkpoint if task.kept else None
            try:
                outcome = self._painter.paint(_with(task, model), self._stopping)
            finally:
                self._checkpoint = None
            if outcome is None:
                there = kept is not None and kept.exists()
                return Reply(checkpoint=kept.read_bytes() if kept and there else None)
            if outcome.path is None:
                return Reply(outcome)
            return Reply(replace(outcome, path=None), outcome.path.read_bytes())


def _with(task: Task, model: Path) -> Task:
    return replace(task, model=str(model))
