"""The files of a model, known by their digests, on the way to machines without it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from .. import contract, files, model_folder
from ..digest import sha256_of
from ..engine.model_info import ModelInfo
from ..errors import ModelError, OutputError
from ..lookup import is_file


@dataclass(frozen=True)
class ModelFiles:
    """A model, wherever it lies.

    Attributes:
        path: Where it lies on the machine that it comes from.
        weights: SHA-256 of its weights.
        digests: SHA-256 of each file, by name; the evaluation graph comes last.
    """

    path: Path
    weights: str
    digests: Mapping[str, str]

    @classmethod
    def of(cls, info: ModelInfo) -> Self:
        """Look at the files of a model on this machine.

        Raises:
            ModelError: One cannot be read.
        """
        path = info.path.absolute()
        every = (contract.weights_path(path), *contract.graph_paths(path))
        try:
            digests = {each.name: sha256_of(each) for each in every if is_file(each)}
        except OSError as error:
            raise ModelError(
                f"model {path} cannot be read: {error.strerror}"
            ) from error
        return cls(path, info.weights_digest, digests)

    def read(self) -> dict[str, bytes]:
        """Read all files where the model comes from, by name.

        Raises:
            ModelError: One cannot be read.
        """
        try:
            return {
                name: self.path.with_name(name).read_bytes() for name in self.digests
            }
        except OSError as error:
            raise ModelError(
                f"model {self.path} cannot be read: {error.strerror}"
            ) from error

    def find(self, contents: Mapping[str, bytes] | None = None) -> Path | None:
        """Return where this machine has the very same files; None if they must be sent.

        Args:
            contents: The files, if they were sent: they are kept unless they are there.

        Raises:
            ModelError: They were sent and cannot be written.
        """
        for path in (self.path, self._kept):
            if all(_is(path.with_name(name), d) for name, d in self.digests.items()):
                return path
        return None if contents is None else self._keep(contents)

    def _keep(self, contents: Mapping[str, bytes]) -> Path:
        """Write the files to this machine's cache folder; returns where."""
        try:
            files.make_folder(self._kept.parent)
            for name in self.digests:
                files.atomic_write(self._kept.with_name(name), contents[name])
        except OutputError as error:
            raise ModelError(
                f"a node lacks model {self.path.stem} and cannot keep it: {error}; "
                f"name a folder there with {model_folder.CACHE_VARIABLE}"
            ) from error
        return self._kept

    @property
    def _kept(self) -> Path:
        """Where it is kept on a machine to which it was sent."""
        identity = sha256(repr(sorted(self.digests.items())).encode()).hexdigest()
        return model_folder.cache_folder() / "received" / identity[:16] / self.path.name


def _is(path: Path, digest: str) -> bool:
    try:
        return is_file(path) and sha256_of(path) == digest
    except OSError:
        return False
