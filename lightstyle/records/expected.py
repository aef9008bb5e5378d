"""Whether a picture file is what a run would make, by what it says of itself.

Names do not count: settings, digests of all pictures that went in, and weights do. And
it must be whole, and of a run that came to its end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .. import images
from ..errors import ImageError
from ..images import picture_file
from ..settings.jobs import prepared
from ..settings.settings import Settings
from .origin import sources
from .record import Record, identity, without_folders


@dataclass(frozen=True)
class ExpectedResult:
    """The picture that a run is to make.

    Attributes:
        job: Name of the run's job.
        given: The job's pictures, and the size of a texture, by parameter name.
        settings: Of the run.
        weights: SHA-256 of the model's.
        bits: Of a channel of the file.
    """

    job: str
    given: Mapping[str, Any]
    settings: Settings
    weights: str
    bits: int

    def missing(self, path: Path) -> str:
        """What the file at `path` has not of this, in words; empty if nothing.

        That it was made by another version, or on another machine, is no difference.
        """
        try:
            record = Record.read(path)
            images.load(path)
        except ImageError as error:
            return f"is not known to be finished ({error})"
        return "; ".join(self._differences(path, record))

    def _differences(self, path: Path, record: Record) -> Iterator[str]:
        if record.job != self.job:
            yield f"was made by {record.job}"
        if (size := self.given.get("size", record.size)) != record.size:
            yield "is {}x{}, not {}x{}".format(*record.size, *size)
        settings = prepared(self.settings, self.job)
        mine, others = without_folders(settings), record.settings
        for name in (each.name for each in fields(Settings)):
            if getattr(mine, name) != getattr(others, name):
                value = mine.as_dict()[name], others.as_dict()[name]
                option = name.replace("_", "-")
                yield "was made with {2} {1}, not {0}".format(*value, option)
        digests = self._digests()
        if None in digests.values():
            yield "was made of pictures that are not files, so they cannot be compared"
        elif digests != _digests(record):
            yield "was made of other pictures, or they were changed since"
        if record.model.get("weights_sha256") != self.weights:
            yield f"was made with another model, {record.model.get('name')}"
        if not record.converged and record.evaluations < record.settings.iterations:
            yield f"was stopped at iteration {record.evaluations}"
        if (bits := _bits(path)) != self.bits:
            yield f"has {bits} bits a channel, not {self.bits}"

    def _digests(self) -> dict[str, str | None]:
        pictures = sources(self.given) | self.settings.files
        return {role: identity(each)["sha256"] for role, each in pictures.items()}


def _digests(record: Record) -> dict[str, str | None]:
    return {role: known.get("sha256") for role, known in record.inputs.items()}


def _bits(path: Path) -> int:
    """Bits of a channel of the picture file at `path`, which can be read."""
    name = str(path)
    data = picture_file.read(path, name)
    with picture_file.opened(data, name) as image:
        if image.format == "PNG":
            return data[24]  # in the first chunk, after width and height
        tags: Any = getattr(image, "tag_v2", None) or {}
        return int(tags.get(258, (8,))[0])
