"""A file by which workers know whether they see the folder of the results."""

import secrets
from contextlib import suppress
from pathlib import Path

from .. import leftovers
from ..errors import OutputError


class Probe:
    """A file in a folder, until it is closed.

    Attributes:
        path: Where it lies.
        content: What is in it.
    """

    def __init__(self, folder: Path) -> None:
        """Write it.

        Raises:
            OutputError: It cannot be written.
        """
        self.content = secrets.token_bytes(16)
        try:
            self.path, self._file = leftovers.create(folder.absolute() / "cluster")
            self._file.write(self.content)
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror}") from error

    def close(self) -> None:
        """Remove it."""
        self._file.close()
        with suppress(OSError):
            self.path.unlink()
