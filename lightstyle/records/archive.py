"""Reads and writes the checkpoint file: an uncompressed ``.npz`` with one digest.

    snapshot.npy                 JSON text in ASCII, as bytes
    NAME.npy                     one array each
    SHA-256                      of everything before it, 32 bytes, as the ZIP comment

Nothing in the file can run when it is read (no pickles), and nothing is used before
the digest has been checked. A checkpoint is written under another name, flushed to the
disk and renamed, and the previous one is kept: whenever a run is killed, one of the two
is good.
"""

import hashlib
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import CheckpointError, OutputError
from ..files import flush

_SNAPSHOT: Final = "snapshot"

#: Start of a local header of a ZIP file, and how many of its bytes precede the name.
_ZIP: Final = b"PK\x03\x04"
_LOCAL_HEADER: Final = 30

#: The records at the end of a ZIP file: their lengths, with the one between them, and
#: where in each is the length of the directory.
_END, _END_64, _LOCATOR = 22, 56, 20
_LENGTH_AT, _LENGTH_64_AT = 12, 40

#: Most bytes of the directory, which Python holds in memory; ours have a dozen entries.
_LONGEST_DIRECTORY: Final = 64_000

#: Most bytes of the JSON text: 100,000 evaluations with 33 terms each.
LONGEST_TEXT: Final = 180_000_000

#: First bytes of the checkpoints that earlier versions wrote.
_OLD_MAGIC: Final = b"lightstyle checkpoint\n"

#: The start of an array, and its header, whose length is between them. NumPy's reader
#: takes more than its writer writes, with warnings.
_NPY: Final = b"\x93NUMPY\x01\x00"
_HEADER: Final = re.compile(
    rb"\{'descr': '(<f2|<f4|<f8|\|u1)', 'fortran_order': False, "
    rb"'shape': \(([\d, ]*)\), \} *\n"
)

_DIGEST: Final = 32
_BLOCK: Final = 1 << 22


def previous(path: Path) -> Path:
    """Return where the checkpoint before the one at `path` is kept."""
    return path.with_name(f"{path.name}.previous")


def files(path: Path) -> tuple[Path, Path, Path]:
    """Return the newest file of a checkpoint, the previous and the unfinished one."""
    return path, previous(path), path.with_name(f"{path.name}.part")


class MappedArrays(Mapping[str, NDArray[Any]]):
    """The arrays of an uncompressed ``.npz``, mapped into memory one by one.

    Each look-up maps the array anew, so that no memory is in use once the caller lets
    go of it.

    Attributes:
        snapshot: The JSON text beside them.
    """

    def __init__(self, path: Path) -> None:
        """List the arrays of the file at `path`.

        Raises:
            Exception: If it is not such a file; of almost any kind.
        """
        self._path = path
        _check_directory(path)
        with ZipFile(path) as archive:
            self._members = {
                info.filename.removesuffix(".npy"): info for info in archive.infolist()
            }
        text = self._map(self._members.pop(_SNAPSHOT))
        if text.nbytes > LONGEST_TEXT:
            raise ValueError("the text is too long")
        self.snapshot = text.tobytes().decode("ascii")
        for name in self:
            self[name]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Map the array called `name`."""
        return self._map(self._members[name])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._members)

    def __len__(self) -> int:
        """Count the arrays."""
        return len(self._members)

    def _map(self, member: ZipInfo) -> NDArray[Any]:
        with self._path.open("rb") as file:
            file.seek(member.header_offset + _LOCAL_HEADER - 4)
            # The member's name and extra field lie before its contents.
            file.seek(sum(struct.unpack("<HH", file.read(4))), os.SEEK_CUR)
            begin = file.tell()
            magic, length = struct.unpack("<8sH", file.read(10))
            header = _HEADER.fullmatch(file.read(length))
            start = file.tell()
        if magic != _NPY or header is None or member.compress_type != ZIP_STORED:
            raise ValueError("unknown array format")
        dtype, sides = (group.decode() for group in header.groups())
        shape = [int(side) for side in sides.split(",") if side.strip()]
        whole = np.memmap(self._path, np.uint8, "r")
        return whole[start : begin + member.file_size].view(dtype).reshape(shape)


def write(path: Path, snapshot: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a checkpoint; the one that was at `path` becomes the previous one.

    Args:
        path: File to write.
        snapshot: JSON text in ASCII.
        arrays: Floating-point arrays of any shape.

    Raises:
        OutputError: If it cannot be written; both older ones are unchanged.
    """
    _, older, part = files(path)
    try:
        with part.open("w+b") as file:
            _fill(file, snapshot, arrays)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            path.replace(older)
        part.replace(path)
        with suppress(OSError):  # the renaming is durable where the system can
            flush(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"checkpoint {path} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):  # after the renaming there is no such file
            part.unlink()


def read(path: Path) -> MappedArrays:
    """Check the whole file at `path` and return its arrays and its JSON text.

    Raises:
        CheckpointError: If it is missing, truncated, damaged, from an older version, or
            not a checkpoint.
    """
    try:
        with path.open("rb") as file:
            _check_kind(file, path)
            if _digest(file) != file.read(_DIGEST):
                raise ValueError("the digest is wrong")
        return MappedArrays(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"checkpoint {path} cannot be read: {reason}") from error
    except CheckpointError:
        raise
    except Exception as error:  # a forged archive can fail in any way
        raise CheckpointError(
            f"checkpoint {path} is truncated or damaged, and there is no good previous "
            "one: start the run again"
        ) from error


def _fill(file: BinaryIO, snapshot: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    text = np.frombuffer(snapshot.encode("ascii"), np.uint8)
    with ZipFile(file, "w") as archive:
        archive.comment = bytes(_DIGEST)
        for name, array in {_SNAPSHOT: text, **arrays}.items():
            kept = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, kept, version=(1, 0), allow_pickle=False)
    file.write(_digest(file))  # where it leaves the position: over the zeros


def _check_directory(path: Path) -> None:
    """Check that the directory is short, before it is read.

    Raises:
        ValueError: If it is not.
    """
    with path.open("rb") as file:
        file.seek(-(_END_64 + _LOCATOR + _END + _DIGEST), os.SEEK_END)
        tail = file.read()
    (length,) = struct.unpack_from("<I", tail, _END_64 + _LOCATOR + _LENGTH_AT)
    if tail.startswith(b"PK\x06\x06"):
        length = max(length, *struct.unpack_from("<Q", tail, _LENGTH_64_AT))
    if length > _LONGEST_DIRECTORY:
        raise ValueError("the directory is too long")


def _check_kind(file: BinaryIO, path: Path) -> None:
    name = f"{_SNAPSHOT}.npy".encode()
    start = file.read(_LOCAL_HEADER + len(name))
    if start.startswith(_OLD_MAGIC):
        raise CheckpointError(
            f"checkpoint {path} was written by an older version of Lightstyle: resume "
            "it with that version, or start the run again"
        )
    if not (start.startswith(_ZIP) and start.endswith(name)):
        raise CheckpointError(
            f"{path} is not a checkpoint of Lightstyle: give the file that was named "
            "with --checkpoint"
        )


def _digest(file: BinaryIO) -> bytes:
    """Hash everything before the digest, and leave the file's position there."""
    end = file.seek(-_DIGEST, os.SEEK_END)
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(min(_BLOCK, end - file.tell())):
        digest.update(block)
    return digest.digest()
