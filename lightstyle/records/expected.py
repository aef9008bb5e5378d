"""Tells by its record whether an image file is what a run would make.

Settings, the digests of all input images, and the weights must agree; file names need
not. The file must also be complete, and its run must have finished.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import images
from ..contract import MINIMUM_SIDE
from ..errors import ImageError
from ..images import picture_file
from ..settings.fields import option_of
from ..settings.jobs import prepared
from ..settings.settings import Settings
from ..text import printable
from .origin import sources
from .record import Record, identity, without_folders


@dataclass(frozen=True)
class ExpectedResult:
    """The image that a run is expected to make.

    Attributes:
        job: Name of the run's job.
        given: The job's images, and the size of a texture, by parameter name.
        settings: Settings of the run.
        weights: SHA-256 of the model's weights.
        bits: Bits per channel of the file.
    """

    job: str
    given: Mapping[str, Any]
    settings: Settings
    weights: str
    bits: int

    def missing(self, path: Path) -> str:
        """Describe how the file at `path` differs; empty if it does not.

        Another version of Lightstyle or another machine does not count as a difference.
        """
        try:
            record = Record.read(path)
            images.load(path, longest=MINIMUM_SIDE)
        except ImageError as error:
            return f"is not known to be finished ({printable(str(error), 160)})"
        return "; ".join(self._differences(path, record))

    def _differences(self, path: Path, record: Record) -> Iterator[str]:
        if record.job != self.job:
            yield f"was made by {record.job}"
        if (size := self.given.get("size", record.size)) != record.size:
            yield "is {}x{}, not {}x{}".format(*record.size, *size)
        settings = prepared(self.settings, self.job)
        mine, others = without_folders(settings), record.settings
        for name, value in mine.as_dict().items():
            if getattr(mine, name) != getattr(others, name):
                found = _with(name, others.as_dict()[name])
                yield f"was made {found}, not {_with(name, value)}"
        pictures = sources(self.given) | self.settings.files
        digests = {role: identity(each)["sha256"] for role, each in pictures.items()}
        recorded = {role: known.get("sha256") for role, known in record.inputs.items()}
        if None in digests.values():
            yield "was made from pictures that are not files and cannot be compared"
        elif digests != recorded:
            yield "was made from other pictures, or they have changed since"
        if record.model.get("weights_sha256") != self.weights:
            yield f"was made with another model, {record.model.get('name')}"
        if not record.converged and record.evaluations < record.settings.iterations:
            yield f"was stopped at iteration {record.evaluations}"
        if (bits := _bits(path)) != self.bits:
            yield f"has {bits} bits a channel, not {self.bits}"


def _with(name: str, value: Any) -> str:
    if value is None:
        return f"without {option_of(name)}"
    return f"with {option_of(name)} {value}"


def _bits(path: Path) -> int:
    """Return the bits per channel of the readable image file at `path`."""
    name = str(path)
    data = picture_file.read(path, name)
    with picture_file.opened(data, name) as image:
        if image.format == "PNG":
            return data[24]  # in the first chunk, after width and height
        tags: Any = getattr(image, "tag_v2", None) or {}
        return int(tags.get(258, (8,))[0])
