"""Reads NumPy's `.npz` archives of named arrays.

An array called ``preprocessing`` may say how pictures were prepared for the network:
``caffe`` or ``torchvision``.
"""

import io
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from warnings import catch_warnings

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .archives import open_zip
from .naming import sort_out
from .preprocessing import ENTRY, check_stated
from .tensors import LazyTensor, WeightsFile, check_float

_MAX_TEXT: Final = 256

#: Most bytes of an array's header, which may claim 4 GB.
_MAX_HEADER: Final = 10_000


@contextmanager
def open_npz(path: Path) -> Iterator[WeightsFile]:
    """Open an archive of NumPy arrays; pickled objects in it are not read.

    Raises:
        WeightsError: Its arrays are not VGG19's.
    """
    with open_zip(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".npy")]
        headers = {n.removesuffix(".npy"): _header(archive, n) for n in names}
        stated = None
        if ENTRY in headers:
            stated = check_stated(_text(archive, *headers.pop(ENTRY)))
        tensors = {
            name: LazyTensor(shape, _reader(archive, name, dtype))
            for name, (shape, dtype) in headers.items()
        }
        yield replace(sort_out(tensors, "NumPy .npz, {family} names"), stated=stated)


def _header(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(name) as member:
        start = io.BytesIO(member.read(_MAX_HEADER))
    with catch_warnings(action="ignore"):  # of files that Python 2 wrote
        if np.lib.format.read_magic(start) == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(start)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(start)
    return shape, dtype


def _text(
    archive: zipfile.ZipFile, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> str:
    if dtype.kind != "U" or math.prod(shape) != 1 or dtype.itemsize > _MAX_TEXT:
        raise WeightsError(
            f"its array {ENTRY!r} is no short text, expected caffe or torchvision"
        )
    return str(_values(archive, ENTRY).item())


def _reader(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any]
) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        check_float(f"its array {name!r}", dtype)
        return _values(archive, name)

    return read


def _values(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member, catch_warnings(action="ignore"):
        values: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return values
