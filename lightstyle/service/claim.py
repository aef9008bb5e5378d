"""Whose a data folder is: one server at a time has its lock, and its name for ever.

``lightstyle-data.json`` says the name and how the folder is laid out; a later version
that lays it out otherwise must bring it up to date or refuse it.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from filelock import FileLock, Timeout

from .. import files
from ..contract import VERSION
from ..errors import OutputError, UsageError
from ..settings import typed
from ..settings.scalars import whole

#: How the folder is laid out.
_SCHEMA: Final = 1

_ABOUT: Final = "lightstyle-data.json"


@dataclass(frozen=True)
class _About:
    """What a data folder says of itself."""

    schema: Annotated[int, whole(1, 10**6)]
    server: str
    version: str


def lock(path: Path) -> FileLock:
    """Lock a folder until the lock is released.

    Raises:
        OutputError: Another server has it, or its file system has no locks.
    """
    held = FileLock(path / "lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise OutputError(
            f"data {path}: another server uses this folder; give another one with "
            "--data, or stop that server"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise OutputError(
            f"data {path}: the folder cannot be locked: {error}; give another one "
            "with --data"
        ) from error
    return held


def identity(path: Path) -> str:
    """Return the name of the folder's server; a new folder gets one.

    Raises:
        UsageError: The folder is none of a server, or of another version.
        OutputError: It cannot be written.
    """
    about = path / _ABOUT
    if not about.exists():
        if any(each.name != "lock" for each in path.iterdir()):
            raise UsageError(
                f"data {path}: the folder is not empty and none of a server; give "
                "another one with --data"
            )
        found = {"schema": _SCHEMA, "server": secrets.token_hex(8), "version": VERSION}
        files.atomic_write(about, json.dumps(found).encode())
    try:
        text = about.read_text("utf-8")
        known: _About = typed.parse(_About, typed.loads(text, 10_000), "it", {})
    except (OSError, ValueError) as error:
        raise UsageError(f"data {path}: {_ABOUT} cannot be used: {error}") from error
    if known.schema != _SCHEMA:
        raise UsageError(
            f"data {path}: it is laid out as version {known.version} does it "
            f"({known.schema}, expected {_SCHEMA}): use that version, or give another "
            "folder with --data"
        )
    return known.server
