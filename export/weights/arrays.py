"""Reads `.npz` and `.safetensors`: named arrays, and nothing else in the file.

Both may say how pictures were prepared for the network, in an array respectively an
entry of the metadata called ``preprocessing``: ``caffe`` or ``torchvision``.
"""

import json
import math
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .archives import open_zip
from .naming import sort_out
from .preprocessing import CAFFE, TORCHVISION
from .tensors import LazyTensor, WeightsFile, widen_bfloat16

_ENTRY: Final = "preprocessing"
_MAX_ENTRY: Final = 256
_MAX_HEADER: Final = 2**23
_BFLOAT16: Final = "BF16"
_DTYPES: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8", _BFLOAT16: "<u2"}


@contextmanager
def open_npz(path: Path) -> Iterator[WeightsFile]:
    """Open an archive of NumPy arrays; pickled objects in it are not read.

    Raises:
        WeightsError: Its arrays are not VGG19's.
    """
    with open_zip(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".npy")]
        headers = {n.removesuffix(".npy"): _npy_header(archive, n) for n in names}
        stated = None
        if _ENTRY in headers:
            stated = _npy_text(archive, *headers.pop(_ENTRY))
        tensors = {
            name: LazyTensor(shape, _npy_reader(archive, name, dtype))
            for name, (shape, dtype) in headers.items()
        }
        yield _weights_file("NumPy .npz", tensors, stated)


@contextmanager
def open_safetensors(path: Path) -> Iterator[WeightsFile]:
    """Open a safetensors file: a length, a JSON header, the values.

    Raises:
        WeightsError: Its tensors are not VGG19's, or lie outside the file.
    """
    with path.open("rb") as file:
        metadata, tensors = read_header(file)
        yield _weights_file("safetensors", tensors, metadata.get(_ENTRY))


def read_header(file: BinaryIO) -> tuple[dict[str, str], dict[str, LazyTensor]]:
    """Metadata and tensors of a safetensors file that stays open to read them.

    Raises:
        WeightsError: The header makes no sense; a tensor raises it when it is read.
    """
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _MAX_HEADER:
        raise WeightsError(f"its header of {length} bytes is implausible")
    header = json.loads(file.read(length))
    metadata = header.pop("__metadata__", {})
    return metadata, {
        name: _safetensor(file, 8 + length, name, entry)
        for name, entry in header.items()
    }


def _weights_file(
    source: str, tensors: dict[str, LazyTensor], stated: str | None
) -> WeightsFile:
    if stated not in (None, CAFFE, TORCHVISION):
        raise WeightsError(
            f"its entry {_ENTRY!r} is {stated!r}, expected {CAFFE!r} or {TORCHVISION!r}"
        )
    family, kernels, biases = sort_out(tensors)
    return WeightsFile(
        f"{source}, {family} names",
        kernels,
        biases,
        family,
        stated=stated,
    )


def _npy_header(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    return shape, dtype


def _npy_text(
    archive: zipfile.ZipFile, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> str:
    if dtype.kind != "U" or math.prod(shape) != 1 or dtype.itemsize > _MAX_ENTRY:
        raise WeightsError(f"its array {_ENTRY!r} is no short text")
    return str(_npy_values(archive, _ENTRY).item())


def _npy_reader(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any]
) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        if dtype.kind != "f":
            raise WeightsError(f"its array {name!r} holds {dtype} values")
        return _npy_values(archive, name)

    return read


def _npy_values(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        values: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return values


def _safetensor(file: BinaryIO, start: int, name: str, entry: Any) -> LazyTensor:
    shape = tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        raise WeightsError(f"the shape or place of {name!r} makes no sense")

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
