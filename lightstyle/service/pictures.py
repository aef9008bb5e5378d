"""Takes pictures from clients: by their headers alone, under names of ours."""

import hashlib
import shutil
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ..digest import sha256_of
from ..errors import ImageError
from ..images.pillow_guard import guarded
from ..settings.scalars import any_of
from .limits import FORMATS, Limits
from .problems import ProblemError
from .store import Job


def store(file: BinaryIO, role: str, number: int, folder: Path, limits: Limits) -> str:
    """Put a picture into a folder if it may be read, and return its name there.

    Raises:
        ProblemError: It is too large, or of a format that is not taken.
    """
    data = file.read(limits.file + 1)
    if len(data) > limits.file:
        raise ProblemError(
            "too_large",
            f"{role} has more than {limits.file / 1e6:g} MB: make the picture smaller",
        )
    name = f"{role.replace('_', '-')}-{number}{_suffix(data, role, limits)}"
    (folder / name).write_bytes(data)
    return name


def copied(job: Job, role: str, folder: Path) -> list[str]:
    """Copy the pictures that an earlier job had in a role, and return their names.

    Raises:
        ProblemError: The earlier job is kept no longer.
    """
    names = job.spec.pictures.get(role, [])
    for name in names:
        _copy(job.folder.path / name, folder / name)
    return names


def copied_result(job: Job, folder: Path) -> str:
    """Copy the picture of an earlier job, as the start of another one.

    Raises:
        ProblemError: There is none.
    """
    source = job.folder.picture
    name = f"init-0{source.suffix}"
    _copy(source, folder / name)
    return name


def digest(parameters: str, folder: Path) -> str:
    """Identify a request: what it asks for, and with which pictures."""
    found = hashlib.sha256(parameters.encode())
    for path in sorted(folder.iterdir()):
        found.update(f"{path.name} {sha256_of(path)}\n".encode())
    return found.hexdigest()


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        raise ProblemError(
            "state", "the earlier job has no such picture, or keeps it no longer"
        ) from None


def _suffix(data: bytes, role: str, limits: Limits) -> str:
    """Return the suffix of the format of a picture, going by its header alone."""
    try:
        with guarded(role), Image.open(BytesIO(data), formats=[*FORMATS]) as image:
            format_, (width, height) = image.format or "", image.size
    except ImageError as error:
        if isinstance(error.__context__, Image.DecompressionBombError):
            raise ProblemError("pixels", str(error)) from error
        raise ProblemError(
            "format",
            f"{role} is no picture, or damaged, or none of {any_of(FORMATS)}",
        ) from error
    if width * height > limits.pixels or max(width, height) > limits.side:
        raise ProblemError(
            "pixels",
            f"{role} has {width} × {height} pixels, expected at most "
            f"{limits.pixels / 1e6:g} million and {limits.side} a side: make the "
            "picture smaller",
        )
    return FORMATS[format_]
