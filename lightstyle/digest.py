"""Identifies files by their digests."""

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import ModelError
from .lookup import exists, is_file

_KINDS: Final = {"md5": "MD5", "sha256": "SHA-256"}


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of the file at `path`.

    Raises:
        OSError: It cannot be read, or is a device or a pipe, which may have no end.
    """
    if exists(path) and not is_file(path):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Expected:
    """The size and the digest that a file must have.

    Attributes:
        size: Size in bytes.
        algorithm: ``md5`` or ``sha256``.
        digest: Hexadecimal digest, or its first digits if no more are known.
    """

    size: int
    algorithm: str
    digest: str

    def check(self, path: Path, name: str, advice: str = "") -> None:
        """Check that the file at `path` is the expected one.

        Args:
            path: The file.
            name: What an error message calls it.
            advice: What an error message adds: what to do.

        Raises:
            ModelError: If its digest or its size differs, or it cannot be read.
        """
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, self.algorithm).hexdigest()
                size = file.tell()
        except OSError as error:
            problem = f"{name} cannot be read: {error.strerror}{advice}"
            raise ModelError(problem) from error
        if not found.startswith(self.digest):
            kind = _KINDS[self.algorithm]
            raise ModelError(f"{name} has {kind} {found}, expected {self}{advice}")
        if size != self.size:
            raise ModelError(f"{name} has {size} bytes, expected {self.size}{advice}")

    def __str__(self) -> str:
        whole = 2 * hashlib.new(self.algorithm).digest_size
        more = "" if len(self.digest) == whole else "…"
        return f"{_KINDS[self.algorithm]} {self.digest}{more}"
