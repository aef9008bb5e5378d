"""What a checkpoint says of its run: what it is made from, and how far it has come.

A run can be continued only with what it began with, so pictures and weights are known
by their SHA-256.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ..arrays import Array
from ..contract import VERSION
from ..digest import sha256_of
from ..engine.model_info import ModelInfo
from ..engine.plan import ExecutionPlan
from ..errors import CheckpointError, UsageError
from ..losses.objective import Losses
from ..optimize.minimize import State
from ..settings.settings import Settings
from . import checkpoint_file, plans

_DESCRIPTION: Final = ("version", "job", "arguments", "settings", "model", "inputs")


def describe(
    job: str, arguments: Mapping[str, Any], settings: Settings, model: ModelInfo
) -> dict[str, Any]:
    """All that a run is made from, as it is now.

    Args:
        job: Name of the function of `transfer`.
        arguments: Its arguments, paths of pictures among them.
        settings: Of the run.
        model: That it uses.

    Raises:
        UsageError: If a picture is not a file, which could not be read again.
    """
    paths = sources(arguments) | settings.files
    for role, source in paths.items():
        if not isinstance(source, str | os.PathLike):
            raise UsageError(
                f"{role} is a {type(source).__name__}, expected the path of a file: "
                "a checkpoint must find the picture again"
            )
    whole = {role: str(Path(source).absolute()) for role, source in paths.items()}
    values = settings.with_files({n: whole[n] for n in settings.files}).as_dict()
    return {
        "version": VERSION,
        "job": job,
        "arguments": {n: _kept(n, value) for n, value in arguments.items()},
        "settings": values,
        "model": {
            "path": str(model.path.absolute()),
            "digest": model.weights_digest,
        },
        "inputs": {
            role: {"path": path, "digest": sha256_of(Path(path))}
            for role, path in whole.items()
        },
    }


def sources(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The pictures among a job's arguments by their role: ``style 2`` of several."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, list | tuple) and name != "size":
            found |= {f"{name} {n}": each for n, each in enumerate(value, start=1)}
        elif name != "size":
            found[name] = value
    return found


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that was read and found to be good.

    Attributes:
        path: Of the file.
        head: All of it but the arrays.
    """

    path: Path
    head: Mapping[str, Any]

    @classmethod
    def newest(cls, path: str | os.PathLike[str]) -> Self:
        """The newest good checkpoint at `path`.

        Raises:
            CheckpointError: There is none.
        """
        return cls(Path(path), checkpoint_file.newest(Path(path)))

    @property
    def settings(self) -> Settings:
        """Of the run."""
        return Settings.from_dict(self.head["settings"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What the job's function was called with, its paths made absolute."""
        values = dict(self.head["arguments"])
        if "size" in values:
            values["size"] = tuple(values["size"])
        return values

    @property
    def description(self) -> dict[str, Any]:
        """What `describe` said when the run began."""
        return {name: self.head[name] for name in _DESCRIPTION}

    @property
    def level(self) -> int:
        """Index of the level of the pyramid that the run had come to."""
        return int(self.head["level"])

    @property
    def layouts(self) -> dict[str, ExecutionPlan]:
        """How the run's pictures were computed."""
        return plans.parse(self.head.get("layouts", {}))

    @property
    def has_history(self) -> bool:
        """Whether the optimiser's history was kept."""
        return self.head["state"]["optimizer"] is not None

    @property
    def elapsed(self) -> float:
        """Seconds that the run took up to the checkpoint."""
        return float(self.head["elapsed"])

    @property
    def history(self) -> list[Losses]:
        """Losses of all evaluations up to the checkpoint."""
        return [
            Losses(**{**entry, "size": tuple(entry["size"])})
            for entry in self.head["history"]
        ]

    def state(self) -> State:
        """Of the optimisation; arrays are mapped, so let go of it once it is copied."""
        arrays = checkpoint_file.arrays(self.path, self.head)
        point, numbers = arrays.pop("best"), dict(self.head["state"])
        arrays.pop("begin", None)
        inner = numbers.pop("optimizer")
        return State(
            point, optimizer=None if inner is None else {**inner, **arrays}, **numbers
        )

    @property
    def begin(self) -> Array | None:
        """What the level began with, (1, 3, H, W), if its targets are of that."""
        kept = checkpoint_file.arrays(self.path, self.head).get("begin")
        return None if kept is None else np.array(kept, np.float32)

    def check_inputs(self) -> None:
        """Refuse to go on with other pictures than the run began with.

        Raises:
            CheckpointError: A file is missing or is not what it was, naming it.
        """
        for name, known in self.head["inputs"].items():
            role = name.replace("_", "-")
            try:
                found = sha256_of(Path(known["path"]))
            except OSError as error:
                raise CheckpointError(
                    f"{role} {known['path']} of checkpoint {self.path} cannot be read: "
                    f"{error.strerror}; put it back to go on"
                ) from error
            if found != known["digest"]:
                raise CheckpointError(
                    f"{role} {known['path']} was changed since checkpoint {self.path} "
                    "was written: put it back to go on, or begin the run again"
                )

    def check_model(self, info: ModelInfo) -> None:
        """Refuse to go on with another model.

        Raises:
            CheckpointError: Its weights are not those that the run began with.
        """
        known = self.head["model"]["digest"]
        if info.weights_digest != known:
            raise CheckpointError(
                f"model {info.path} has weights {info.weights_digest[:12]}…, expected "
                f"{known[:12]}… of checkpoint {self.path}: put the model back to go "
                "on, or begin the run again"
            )


def _kept(name: str, value: Any) -> Any:
    """An argument as it is kept, its paths made absolute."""
    if name == "size":
        return value
    if isinstance(value, list | tuple):
        return [_kept(name, each) for each in value]
    return str(Path(value).absolute())
