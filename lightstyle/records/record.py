"""Records how an image was made, as JSON.

A record holds everything that must be the same for the image to come out the same, bit
for bit on a CPU: the settings, the SHA-256 of the input images and of the weights, the
execution plans, versions and the processor. It names files but not their folders, and
it holds nothing that differs between equal runs, so equal runs write equal files.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast

from ..arrays import Size
from ..contract import VERSION
from ..digest import sha256_of
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..errors import ImageError, UsageError
from ..images.loading import ImageSource
from ..lookup import is_file
from ..losses.weights import Balance
from ..settings.fields import MOST_ITERATIONS, option_of
from ..settings.in_memory import ImageInMemory
from ..settings.jobs import JOBS, prepared
from ..settings.scalars import checked, one_of, side, whole
from ..settings.scalars import path as any_path
from ..settings.settings import Settings
from ..settings.typed import Parsers, parse
from ..text import printable
from . import environment, in_picture, plans
from .origin import sources

#: Version of the format, raised whenever older records can no longer be read.
SCHEMA: Final = 1

#: What is known of the environment of a run.
_Fact = str | int | list[str] | dict[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """How an image was made.

    Attributes:
        version: Version of Lightstyle.
        job: Name of the job's function.
        size: Width and height of the result.
        settings: Settings of the run; image files are named ``./name``.
        inputs: File name and SHA-256 of each input image, by role; None for an image
            that did not come from a file.
        model: Name, SHA-256 of the weights, role of the graph, generator.
        environment: Versions and processor, from `environment.of_run`.
        optimizer: Name of the optimiser.
        levels: Width and height of each pyramid level, and the evaluation it ends at.
        balance: Weights of the loss, given or found; None in files of old versions.
        evaluations: Number of evaluations up to this image.
        loss: Lowest loss of the image's level.
        converged: Whether the run ended early because it had converged.
        uninterrupted: Whether the optimiser has kept its history all along.
        layouts: Execution plan of each image that was computed, by its size.
    """

    version: str = VERSION
    job: Annotated[str, one_of(JOBS)]
    size: tuple[Annotated[int, side()], Annotated[int, side()]]
    settings: Settings
    inputs: Mapping[str, Mapping[str, str | None]]
    model: Mapping[str, str | None]
    environment: Mapping[str, _Fact]
    optimizer: str
    levels: tuple[tuple[int, int, int], ...]
    balance: Balance | None = None
    evaluations: Annotated[int, whole(0, MOST_ITERATIONS)] = 0
    loss: float = math.nan
    converged: bool = False
    uninterrupted: bool
    layouts: Mapping[str, ExecutionPlan]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read the record in the image file at `path`.

        Raises:
            ImageError: If there is none, or none that this version can use.
        """
        return cls.parse(in_picture.load(checked("path", any_path(), path)), str(path))

    @classmethod
    def parse(cls, values: Mapping[str, Any], name: str) -> Self:
        """Create a record from the values that `as_dict` returned.

        Args:
            values: JSON values of unknown origin, of which `in_picture.load` has
                checked little.
            name: What an error message calls their source.

        Raises:
            ImageError: If they are not a record that this version can use.
        """
        try:
            known = parse(dict[str, Any], values, "record", {})
            schema = parse(int, known.pop("schema", None), "record.schema", {})
            if schema != SCHEMA:
                raise UsageError(f"schema {schema}, expected {SCHEMA}")
            known["version"] = known.pop("lightstyle", None)
            run = parse(dict[str, Any], known.pop("run", None), "record.run", {})
            known |= {"converged": False, "balance": None, **run}
            if known.get("loss", 0) is None:
                known["loss"] = math.nan
            return cast(Self, parse(cls, known, "record", _PARSERS))
        except UsageError as error:
            raise ImageError(
                f"{name}: version {VERSION} cannot use the settings of lightstyle "
                f"{printable(str(known.get('version')), 40)}, which made it: {error}"
            ) from error
        except ValueError as error:
            raise ImageError(f"{name}: its record is damaged: {error}") from error

    @property
    def weights(self) -> str:
        """SHA-256 of the model's weights, as far as it is known."""
        return self.model.get("weights_sha256") or ""

    def settings_for(self, job: str) -> Settings:
        """Return the settings for `job`; another job has a start of its own."""
        own = self.settings if job == self.job else replace(self.settings, init=None)
        return prepared(own, job)

    def check_files(self, settings: Settings, name: str) -> None:
        """Check that the images which `settings` took from the record are here.

        Args:
            settings: Settings, of which some may be the record's.
            name: What an error message calls the image that holds the record.

        Raises:
            UsageError: If one is not; the record knows only its name.
        """
        for role, path in settings.files.items():
            if path != self.settings.files.get(role):
                continue
            option = option_of(role.partition(" ")[0])
            if self.inputs.get(role, {}).get("name", path) is None:
                raise UsageError(
                    f"{name} was made with an image in memory as {option}, which no "
                    f"record holds: give it again, or a path with --{option}"
                )
            if not is_file(Path(path)):
                raise UsageError(
                    f"{name} was made with {Path(path).name}, which is not in this "
                    f"folder: give its path with --{option}"
                )

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {
            "lightstyle": self.version,
            "schema": SCHEMA,
            "job": self.job,
            "size": [*self.size],
            "settings": self.settings.as_dict(),
            "inputs": {role: dict(known) for role, known in self.inputs.items()},
            "model": dict(self.model),
            "environment": dict(self.environment),
            "run": {
                "optimizer": self.optimizer,
                "levels": [[*level] for level in self.levels],
                "balance": self.balance and vars(self.balance),
                "evaluations": self.evaluations,
                "loss": self.loss if math.isfinite(self.loss) else None,
                "converged": self.converged,
                "uninterrupted": self.uninterrupted,
                "layouts": {k: plans.as_dict(p) for k, p in self.layouts.items()},
            },
        }

    def __str__(self) -> str:
        """Return the record as JSON text in ASCII."""
        return json.dumps(self.as_dict())


def of_run(
    job: str,
    given: Mapping[str, ImageSource | Size],
    size: Size,
    settings: Settings,
    levels: Sequence[tuple[int, int, int]],
    model: Model,
    *,
    uninterrupted: bool,
) -> Record:
    """Create the record of a run that is about to start or to resume.

    Args:
        job: Name of the job's function.
        given: The arguments of that function: image sources, and the size of a texture.
        size: Width and height of the result.
        settings: Settings of the run.
        levels: Width and height of each pyramid level, and the evaluation it ends at.
        model: Model of the run.
        uninterrupted: Whether the optimiser has kept its history all along.
    """
    pictures = sources(given) | settings.files
    return Record(
        job=job,
        size=size,
        settings=without_folders(settings),
        inputs={role: identity(source) for role, source in pictures.items()},
        model={
            "name": model.info.path.stem,
            "weights_sha256": model.info.weights_digest,
            "graph": model.info.role,
            "generator": model.info.generator,
        },
        environment=environment.of_run(model),
        optimizer=settings.chosen_optimizer,
        levels=tuple(levels),
        uninterrupted=uninterrupted,
        layouts={},
    )


def _settings(values: Any) -> Settings:
    return without_folders(Settings.from_dict(values))


#: How the values of further types are read.
_PARSERS: Final[Parsers] = {Settings: _settings, ExecutionPlan: plans.parse}


def without_folders(settings: Settings) -> Settings:
    """Replace paths of image files by ``./name``, which no word of `Init` equals."""
    return settings.with_files(
        {name: f"./{Path(path).name}" for name, path in settings.files.items()}
    )


def identity(source: object) -> dict[str, str | None]:
    """Return name and SHA-256 of an image's file; None for what is not known."""
    name = digest = None
    if isinstance(source, bytes):
        digest = hashlib.sha256(source).hexdigest()
    elif isinstance(source, ImageInMemory):
        digest = source.sha256
    elif isinstance(source, str | os.PathLike):
        name = Path(source).name
        with suppress(OSError):  # gone since it was read
            digest = sha256_of(Path(source))
    return {"name": name, "sha256": digest}
