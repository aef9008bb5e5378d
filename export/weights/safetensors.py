"""Reads `.safetensors` files: the length of a header, a JSON header, the values.

An entry of the metadata called ``preprocessing`` may say how pictures were prepared for
the network: ``caffe`` or ``torchvision``. The safetensors package is not used: it has
no bfloat16 for NumPy, and accepts headers of 100 MB.
"""

import json
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .naming import sort_out
from .preprocessing import ENTRY, check_stated
from .tensors import LazyTensor, WeightsFile, widen_bfloat16

_MAX_HEADER: Final = 2**23
_BFLOAT16: Final = "BF16"
_DTYPES: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8", _BFLOAT16: "<u2"}


@contextmanager
def open_safetensors(path: Path) -> Iterator[WeightsFile]:
    """Open a safetensors file.

    Raises:
        WeightsError: Its tensors are not VGG19's, or lie outside the file.
    """
    with path.open("rb") as file:
        metadata, tensors = read_header(file)
        named = sort_out(tensors, "safetensors, {family} names")
        yield replace(named, stated=check_stated(metadata.get(ENTRY)))


def read_header(file: BinaryIO) -> tuple[dict[str, str], dict[str, LazyTensor]]:
    """Read metadata and tensors; their values are read from `file` on demand.

    Raises:
        WeightsError: The header is invalid. A tensor raises it when it is read.
    """
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _MAX_HEADER:
        raise WeightsError(
            f"its header claims {length} bytes, expected at most {_MAX_HEADER}"
        )
    header = json.loads(file.read(length))
    metadata = header.pop("__metadata__", {})
    if not all(map(_is_text, (*metadata.keys(), *metadata.values()))):
        raise WeightsError("its metadata hold something that is not text")
    return metadata, {
        name: _tensor(file, 8 + length, name, entry) for name, entry in header.items()
    }


def _is_text(value: Any) -> bool:
    """Tell whether `value` is text without half a surrogate pair."""
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


def _tensor(file: BinaryIO, start: int, name: str, entry: Any) -> LazyTensor:
    shape = tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        raise WeightsError(f"the shape or offsets of {name!r} are invalid")

    def read() -> NDArray[Any]:
        dtype = np.dtype(_dtype(name, entry["dtype"]))
        size = math.prod(shape) * dtype.itemsize
        if end - begin != size or start + end > os.fstat(file.fileno()).st_size:
            raise WeightsError(f"{name!r} does not fit into its place in the file")
        file.seek(start + begin)
        values = np.frombuffer(file.read(size), dtype).reshape(shape)
        return widen_bfloat16(values) if entry["dtype"] == _BFLOAT16 else values

    return LazyTensor(shape, read)


def _dtype(name: str, code: Any) -> str:
    if code not in _DTYPES:
        raise WeightsError(f"{name!r} holds {code} values, expected floating point")
    return _DTYPES[code]
