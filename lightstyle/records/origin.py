"""Describes what a run was started with, so that it can be resumed with the same.

A run can only be resumed with the images and the weights that it was started with, so
they are identified by their SHA-256.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from ..contract import VERSION
from ..digest import sha256_of
from ..engine.model_info import ModelInfo
from ..errors import UsageError
from ..images.streams import Piped
from ..settings.fields import option_of
from ..settings.in_memory import source
from ..settings.jobs import JOBS
from ..settings.scalars import digest, one_of, side
from ..settings.scalars import path as any_path
from ..settings.settings import Settings

_Path = Annotated[str, any_path()]
_Side = Annotated[int, side()]


@dataclass(frozen=True)
class IdentifiedFile:
    """A file, and what it contained when the run was started.

    Attributes:
        path: Absolute path.
        sha256: Hexadecimal SHA-256; of the model, that of its weights.
    """

    path: _Path
    sha256: Annotated[str, digest()]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a run was started with.

    Attributes:
        version: Version of Lightstyle.
        job: Name of the job's function.
        content: Absolute path of the content image; None if the job has none.
        style: Absolute paths of the style images, of several or of one; None if the
            job has none.
        size: Width and height of a texture.
        settings: Settings of the run, with absolute paths.
        model: Model of the run.
        inputs: Input image files, by role.
    """

    version: str = VERSION
    job: Annotated[str, one_of(JOBS)]
    content: _Path | None = None
    style: _Path | tuple[_Path, ...] | None = None
    size: tuple[_Side, _Side] | None = None
    settings: Settings
    model: IdentifiedFile
    inputs: Mapping[str, IdentifiedFile]

    def __post_init__(self) -> None:
        """Check that the job has the arguments that it needs.

        Raises:
            ValueError: If it has not.
        """
        expected = set(JOBS[self.job].pictures)
        if "content" not in expected:  # nothing else has the size of the result
            expected.add("size")
        if self.arguments.keys() != expected:
            raise ValueError(f"job {self.job} cannot have {', '.join(self.arguments)}")

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the job's function."""
        given = {"content": self.content, "style": self.style, "size": self.size}
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def of(
        cls,
        job: str,
        arguments: Mapping[str, Any],
        settings: Settings,
        model: ModelInfo,
    ) -> Self:
        """Describe a run that is about to start.

        Args:
            job: Name of the job's function.
            arguments: Arguments of that function, image sources among them.
            settings: Settings of the run.
            model: Model of the run.

        Raises:
            UsageError: If an image is not a file, which could not be read again.
        """
        paths = sources(arguments) | settings.files
        for role, path in paths.items():
            given = source(path)
            if not isinstance(given, str | os.PathLike):
                kind = "pipe" if isinstance(given, Piped) else type(given).__name__
                raise UsageError(
                    f"{option_of(role)} is a {kind}: a run with a checkpoint "
                    "must read its images from files; give a path"
                )
        whole = {role: _absolute(path) for role, path in paths.items()}
        return cls(
            job=job,
            **{name: _kept(name, each) for name, each in arguments.items()},
            settings=settings.with_files({n: whole[n] for n in settings.files}),
            model=IdentifiedFile(_absolute(model.path), model.weights_digest),
            inputs={
                role: IdentifiedFile(path, sha256_of(Path(path)))
                for role, path in whole.items()
            },
        )


def sources(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the images among a job's arguments by role: ``style 2`` of several."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, list | tuple) and name != "size":
            found |= {f"{name} {n}": each for n, each in enumerate(value, start=1)}
        elif name != "size":
            found[name] = value
    return found


def _kept(name: str, value: Any) -> Any:
    if name == "size":
        return tuple(value)
    if isinstance(value, list | tuple):
        return tuple(_absolute(each) for each in value)
    return _absolute(value)


def _absolute(path: str | os.PathLike[str]) -> str:
    return str(Path(path).absolute())
