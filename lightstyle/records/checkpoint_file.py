"""The file that a run is kept in: numbers as JSON, arrays as they lie, and a checksum.

    lightstyle checkpoint        21 letters and a line feed
    length                       of the head, 8 bytes, little-endian
    head                         JSON; "arrays" has name, dtype and shape of each
    arrays                       one after the other, little-endian
    SHA-256                      of all before it, 32 bytes

Nothing in it can run when it is read, and no part of it is believed before the
checksum is. It is written under another name and renamed when it is on the disk, and
the one that was there before is kept: whenever a run is killed, one of the two is good.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, OutputError

SCHEMA: Final = 2

_MAGIC: Final = b"lightstyle checkpoint\n"
_LENGTH: Final = 8
_DIGEST: Final = 32
_BLOCK: Final = 1 << 22
_DTYPES: Final = ("<f2", "<f4", "<f8")


def previous(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is kept."""
    return path.with_name(f"{path.name}.previous")


def files(path: Path) -> tuple[Path, Path, Path]:
    """All files of a checkpoint: the newest, the one before, the one in writing."""
    return path, previous(path), path.with_name(f"{path.name}.part")


def write(
    path: Path, head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a checkpoint; what is at `path` becomes the previous one.

    Args:
        path: Where to.
        head: Values for JSON; numbers may be NumPy's and need not be finite.
        arrays: Of floating-point numbers, any shape.

    Raises:
        OutputError: It could not be written; both older ones are untouched.
    """
    _, older, part = files(path)
    try:
        try:
            with part.open("wb") as file:
                _fill(file, head, arrays)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                path.replace(older)
            part.replace(path)
        finally:  # after the renaming there is no such file
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"checkpoint {path} cannot be written: {reason}") from error


def newest(path: Path) -> dict[str, Any]:
    """The head of the newest good checkpoint at `path`, which is that file from now on.

    Raises:
        CheckpointError: Neither the one at `path` nor the previous one is good; the
            message says what is wrong with the first.
    """
    try:
        return read(path)
    except CheckpointError:
        try:
            head = read(previous(path))
        except CheckpointError:
            head = None
        if head is None:
            raise
        previous(path).replace(path)
        return head


def read(path: Path) -> dict[str, Any]:
    """The head of the checkpoint at `path`, all of which was found to be good.

    Raises:
        CheckpointError: It is missing, cut off, damaged, or not one at all.
    """
    try:
        with path.open("rb") as file:
            head = _head(file, path)
            _check_digest(file, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"checkpoint {path} cannot be read: {reason}") from error
    if head.get("schema") != SCHEMA:
        raise CheckpointError(
            f"checkpoint {path} has schema {head.get('schema')}, expected {SCHEMA}: "
            "continue it with the version of Lightstyle that wrote it"
        )
    return head


def arrays(path: Path, head: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The arrays of the checkpoint whose `head` was read, mapped: nothing is loaded."""
    found: dict[str, NDArray[Any]] = {}
    with path.open("rb") as file:
        offset = _head_end(file)
    for name, dtype, shape in head["arrays"]:
        empty = np.empty(shape, dtype) if 0 in shape else None
        found[name] = (
            np.memmap(path, dtype, "r", offset, tuple(shape))
            if empty is None
            else empty
        )
        offset += found[name].nbytes
    return found


def _fill(
    file: BinaryIO, head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    kept = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in arrays.items()
    }
    listed = [
        [name, a.dtype.newbyteorder("<").str, a.shape] for name, a in kept.items()
    ]
    whole = {**head, "schema": SCHEMA, "arrays": listed}
    text = json.dumps(whole, default=lambda number: number.item()).encode()
    digest = hashlib.sha256()
    start = _MAGIC + len(text).to_bytes(_LENGTH, "little") + text
    parts = [np.frombuffer(start, np.uint8)]
    parts += [array.reshape(-1).view(np.uint8) for array in kept.values()]
    for part in parts:
        data = part.data
        for begin in range(0, len(data), _BLOCK):
            block = data[begin : begin + _BLOCK]
            digest.update(block)
            file.write(block)
    file.write(digest.digest())


def _head(file: BinaryIO, path: Path) -> dict[str, Any]:
    """The head, if the file is as long as it says."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise CheckpointError(
            f"{path} is no checkpoint of Lightstyle: give the file that --checkpoint "
            "named"
        )
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(_LENGTH), "little")
    if length > size:
        raise _damaged(path)
    try:
        head: dict[str, Any] = json.loads(file.read(length))
        bytes_ = sum(_nbytes(dtype, shape) for _, dtype, shape in head["arrays"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path) from error
    if size != file.tell() + bytes_ + _DIGEST:
        raise _damaged(path)
    return head


def _head_end(file: BinaryIO) -> int:
    file.seek(len(_MAGIC))
    return len(_MAGIC) + _LENGTH + int.from_bytes(file.read(_LENGTH), "little")


def _nbytes(dtype: str, shape: list[int]) -> int:
    if dtype not in _DTYPES:
        raise ValueError(dtype)
    count = 1
    for side in shape:
        count *= side
    return count * np.dtype(dtype).itemsize


def _check_digest(file: BinaryIO, path: Path) -> None:
    end = os.fstat(file.fileno()).st_size - _DIGEST
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(min(_BLOCK, end - file.tell())):
        digest.update(block)
    if digest.digest() != file.read(_DIGEST):
        raise _damaged(path)


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        f"checkpoint {path} is cut off or damaged: its checksum is not that of its "
        "contents, and there is no good one before it; begin the run again"
    )


def _sync_folder(folder: Path) -> None:
    """Make the renaming last, too, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
