"""Reads the weights file of a model, a safetensors file that the exporter wrote.

The file is the length of the header in 8 little-endian bytes, the JSON header, and the
values. The safetensors package is not required for this: a few lines suffice.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import numpy as np

from ..arrays import Array
from ..settings.scalars import one_of, whole
from ..settings.typed import loads, parse

#: Exceptions that a missing or damaged file causes.
DAMAGE: Final = (OSError, ValueError, KeyError)

_METADATA: Final = "__metadata__"
_LONGEST_HEADER: Final = 2**20
_DTYPES: Final = {"F16": "<f2", "F32": "<f4"}

_Count = Annotated[int, whole(0, 2**40)]


@dataclass(frozen=True)
class _Entry:
    """What the header says of a tensor."""

    dtype: Annotated[str, one_of(_DTYPES)]
    shape: tuple[_Count, ...]
    data_offsets: tuple[_Count, _Count]


def read_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a weights file; raises one of `DAMAGE`."""
    with path.open("rb") as file:
        return _header(file)[0]


def read_tensors(path: Path) -> dict[str, Array]:
    """Read all tensors of a weights file in float32; raises one of `DAMAGE`."""
    with path.open("rb") as file:
        (_, entries), data = _header(file), file.read()
    return {
        name: np.frombuffer(data[slice(*entry.data_offsets)], _DTYPES[entry.dtype])
        .reshape(entry.shape)
        .astype(np.float32)
        for name, entry in entries.items()
    }


def _header(file: BinaryIO) -> tuple[dict[str, str], dict[str, _Entry]]:
    length = int.from_bytes(file.read(8), "little")
    text = file.read(min(length, _LONGEST_HEADER)).decode()
    header = parse(dict[str, Any], loads(text, _LONGEST_HEADER), "header", {})
    metadata = parse(dict[str, str], header.pop(_METADATA, {}), _METADATA, {})
    return metadata, parse(dict[str, _Entry], header, "header", {})
