"""Reads the weights file of a model, a safetensors file that the exporter wrote.

The file is the length of the header in 8 little-endian bytes, the JSON header, and the
values. The safetensors package is not required for this: a few lines suffice.
"""

import json
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from ..arrays import Array

#: Exceptions that a missing or damaged file causes.
DAMAGE: Final = (OSError, ValueError, LookupError, TypeError, AttributeError)

_METADATA: Final = "__metadata__"
_LONGEST_HEADER: Final = 2**20
_DTYPES: Final = {"F16": "<f2", "F32": "<f4"}


def read_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a weights file; raises one of `DAMAGE`."""
    with path.open("rb") as file:
        return dict(_header(file)[_METADATA])


def read_tensors(path: Path) -> dict[str, Array]:
    """Read all tensors of a weights file in float32; raises one of `DAMAGE`."""
    with path.open("rb") as file:
        header, data = _header(file), file.read()
    header.pop(_METADATA, None)
    return {
        name: np.frombuffer(
            data[slice(*entry["data_offsets"])], _DTYPES[entry["dtype"]]
        )
        .reshape(entry["shape"])
        .astype(np.float32)
        for name, entry in header.items()
    }


def _header(file: BinaryIO) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    header: dict[str, Any] = json.loads(file.read(min(length, _LONGEST_HEADER)))
    return header
