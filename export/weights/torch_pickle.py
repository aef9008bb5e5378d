"""Reads PyTorch's `.pth` files without PyTorch, and without running what is in them.

There are two containers. Both hold a pickle that describes tensors as views of
storages, which `state_dict` loads, and the storages:

* Since PyTorch 1.6 a zip archive: ``name/data.pkl``, ``name/data/0``, ``name/data/1``
  …, stored without compression.
* Before that five pickles in a row (a magic number, a version, sizes of types, the
  tensors, the keys of the storages), then the count and the values of each storage.
"""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .archives import open_zip, read_member
from .naming import sort_out
from .preprocessing import CAFFE
from .state_dict import BFLOAT16, DTYPES, Storage, TensorView, load
from .tensors import Family, LazyTensor, WeightsFile, widen_bfloat16

#: Bytes near the beginning of a file before PyTorch 1.6.
LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")

_MAX_PICKLE: Final = 2**23

#: Reads some values of a storage: (storage, first value, count of values) → bytes.
_Fetch = Callable[[Storage, int, int], bytes]


@contextmanager
def open_torch_zip(path: Path) -> Iterator[WeightsFile]:
    """Open a state dict that PyTorch 1.6 or later saved.

    Raises:
        WeightsError: It is no state dict, or it is damaged or hostile.
    """
    with open_zip(path) as archive:
        pickles = [n for n in archive.namelist() if n.rpartition("/")[2] == "data.pkl"]
        root = min(pickles, key=len).removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist():
            _check_byte_order(read_member(archive, f"{root}byteorder", 16) == b"little")
        program = io.BytesIO(read_member(archive, f"{root}data.pkl", _MAX_PICKLE))
        yield _state_dict("zip", load(program), _zip_fetcher(archive, root))


@contextmanager
def open_torch_legacy(path: Path) -> Iterator[WeightsFile]:
    """Open a state dict that PyTorch 0.1.10 … 1.5 saved.

    Raises:
        WeightsError: It is no state dict, or it is damaged or hostile.
    """
    with path.open("rb") as file:
        programs = io.BytesIO(file.read(_MAX_PICKLE))
        _magic, _version, system = (load(programs) for _ in range(3))
        _check_byte_order(
            isinstance(system, dict) and system.get("little_endian", True)
        )
        tensors, keys = load(programs), load(programs)
        file.seek(programs.tell())
        yield _state_dict("legacy", tensors, _legacy_fetcher(file, tensors, keys))


def _check_byte_order(little_endian: bool) -> None:
    if not little_endian:
        raise WeightsError("it is big-endian; save it again on a little-endian machine")


def _state_dict(container: str, saved: Any, fetch: _Fetch) -> WeightsFile:
    if not isinstance(saved, dict):
        raise WeightsError("it holds no dictionary; expected model.state_dict()")
    tensors = {
        name: LazyTensor(view.shape, _reader(view, fetch))
        for name, view in saved.items()
        if isinstance(name, str) and isinstance(view, TensorView)
    }
    named = sort_out(tensors, f"PyTorch ({container}), {{family}} names", "OIHW")
    return replace(named, stated=CAFFE if named.family is Family.CAFFE else None)


def _reader(view: TensorView, fetch: _Fetch) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        data = fetch(view.storage, view.offset, view.extent)
        flat: NDArray[Any] = np.frombuffer(data, _dtype(view.storage), view.extent)
        if view.storage.type == BFLOAT16:
            flat = widen_bfloat16(flat)
        strides = tuple(flat.itemsize * stride for stride in view.strides)
        return np.lib.stride_tricks.as_strided(
            flat, view.shape, strides, writeable=False
        )

    return read


def _dtype(storage: Storage) -> np.dtype[Any]:
    return np.dtype(DTYPES[storage.type])


def _zip_fetcher(archive: zipfile.ZipFile, root: str) -> _Fetch:
    def fetch(storage: Storage, first: int, count: int) -> bytes:
        info = archive.getinfo(f"{root}data/{storage.key}")
        size = _dtype(storage).itemsize
        if info.compress_type != zipfile.ZIP_STORED:
            raise WeightsError(
                f"its member {info.filename!r} is compressed; save it again with "
                "torch.save"
            )
        if info.file_size != storage.count * size:
            raise WeightsError(
                f"its member {info.filename!r} has {info.file_size} bytes, its "
                f"tensors say {storage.count * size}"
            )
        with archive.open(info) as member:
            member.seek(first * size)
            return member.read(count * size)

    return fetch


def _legacy_fetcher(file: BinaryIO, tensors: Any, keys: Any) -> _Fetch:
    begin = file.tell()
    positions: dict[Storage, int] = {}

    def fetch(storage: Storage, first: int, count: int) -> bytes:
        if not positions:
            file.seek(begin)
            positions.update(_legacy_positions(file, tensors, keys))
        size = _dtype(storage).itemsize
        file.seek(positions[storage] + first * size)
        return file.read(count * size)

    return fetch


def _legacy_positions(
    file: BinaryIO, tensors: Any, keys: Any
) -> Iterator[tuple[Storage, int]]:
    """Yield the storages, which follow each other in the order of `keys`."""
    views = tensors.values() if isinstance(tensors, dict) else ()
    storages = {v.storage.key: v.storage for v in views if isinstance(v, TensorView)}
    end = os.fstat(file.fileno()).st_size
    for key in keys:
        storage = storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        position = file.tell()
        size = count * _dtype(storage).itemsize
        if count != storage.count or position + size > end:
            raise WeightsError(
                f"a storage of {count} values does not fit: its tensors say "
                f"{storage.count}, the file ends {end - position} bytes later"
            )
        yield storage, position
        file.seek(position + size)
