"""Reads numbers, text, cells and structs from MAT files, version 5 (`save -v6`, `-v7`).

Arrays are views of the file, so nothing large is loaded before it is asked for.
Compressed variables are unpacked up to a limit.

scipy.io.loadmat is not used, because a damaged file can end the process (scipy 1.17):
it looks up the type of an element in a table of 20 pointers without checking the
number, and it follows nested cells to any depth.
"""

import math
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError

_Bytes = NDArray[np.uint8]

_HEADER: Final = 128
_MAX_UNPACKED: Final = 700_000_000  # VGG19 takes 575 million; unpacking, twice as much
_MAX_ITEMS: Final = 100_000
_MAX_DEPTH: Final = 16
_MAX_TEXT: Final = 4096

_MATRIX: Final = 14
_COMPRESSED: Final = 15
_NUMBERS: Final = {
    1: "i1",
    2: "u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
    16: "u1",  # UTF-8
    17: "<u2",  # UTF-16
}
_CELL, _STRUCT, _CHAR, _FIRST_NUMERIC, _LAST_NUMERIC = 1, 2, 4, 6, 15


class _Element(NamedTuple):
    """One tagged element: its type, its data, and where the next one begins."""

    type: int
    data: _Bytes
    end: int


def read_mat(path: Path, names: Iterable[str]) -> dict[str, Any]:
    """Read variables of a MAT file by name.

    Args:
        path: The file.
        names: The variables to read.

    Returns:
        Those of the variables that the file has: numbers as arrays, text as strings,
        cells as lists (column by column), structs as dictionaries (a list of them if
        there are several), everything else as None.

    Raises:
        WeightsError: The file is big-endian, nested too deeply or unpacks to too much.
    """
    data = np.memmap(path, np.uint8, "r").view(np.ndarray)
    if data[126:128].tobytes() != b"IM":
        raise WeightsError("it is big-endian; save it again on a little-endian machine")
    reader = _Reader()
    found: dict[str, Any] = {}
    position = _HEADER
    while position < data.size and not set(names) <= set(found):
        element = _element(data, position)
        position = element.end
        if element.type == _COMPRESSED:
            element = _element(reader.unpack(element.data), 0)
        if element.type == _MATRIX:
            name, value = reader.matrix(element.data, 0, names)
            found[name] = value
    return {name: found[name] for name in names if name in found}


def _element(data: _Bytes, position: int) -> _Element:
    head = data[position : position + 8].tobytes()
    if len(head) < 8:
        raise WeightsError("it is cut short; download it again")
    kind, size = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
    start = position + 8
    if small := kind >> 16:  # up to four bytes of data within the tag itself
        kind, size, start = kind & 0xFFFF, small, position + 4
    if start + size > data.size:
        raise WeightsError(
            f"it is cut short in an element of {size} bytes; download it again"
        )
    padding = 0 if kind == _COMPRESSED or small else -size % 8
    end = position + 8 if small else start + size + padding
    return _Element(kind, data[start : start + size], end)


class _Reader:
    """Reads matrices within limits on the bytes unpacked and the cells made so far."""

    def __init__(self) -> None:
        self._unpacked = 0
        self._items = 0

    def unpack(self, data: _Bytes) -> _Bytes:
        """Decompress a variable, within the rest of the limit for the file."""
        room = _MAX_UNPACKED - self._unpacked
        unpacked = zlib.decompressobj().decompress(data.tobytes(), room + 1)
        self._unpacked += len(unpacked)
        if self._unpacked > _MAX_UNPACKED:
            raise WeightsError(f"it unpacks to more than {_MAX_UNPACKED} bytes")
        return np.frombuffer(unpacked, np.uint8)

    def matrix(
        self, data: _Bytes, depth: int, wanted: Iterable[str] | None = None
    ) -> tuple[str, Any]:
        """Return name and value of a matrix; the value of an unwanted one is None."""
        if depth > _MAX_DEPTH:
            raise WeightsError(f"it is nested more than {_MAX_DEPTH} deep")
        if not data.size:
            return "", np.zeros(0)
        flags = _element(data, 0)
        dimensions = _element(data, flags.end)
        name = _element(data, dimensions.end)
        text = name.data.tobytes().decode("latin-1")
        if wanted is not None and text not in wanted:
            return text, None
        shape = tuple(_numbers(dimensions).tolist())
        return text, self._value(int(flags.data[0]), shape, data[name.end :], depth)

    def _value(
        self, kind: int, shape: tuple[int, ...], data: _Bytes, depth: int
    ) -> Any:
        if _FIRST_NUMERIC <= kind <= _LAST_NUMERIC:
            return _numbers(_element(data, 0)).reshape(shape, order="F")
        if kind == _CHAR:
            return _text(_numbers(_element(data, 0)))
        if kind == _CELL:
            return self._items_of(data, self._count(shape), depth)
        if kind == _STRUCT:
            return self._structs(shape, data, depth)
        return None

    def _count(self, shape: tuple[int, ...]) -> int:
        count = math.prod(shape)
        self._items += max(count, 1)
        if min(shape, default=0) < 0 or self._items > _MAX_ITEMS:
            raise WeightsError(f"it holds more than {_MAX_ITEMS} cells")
        return count

    def _items_of(self, data: _Bytes, count: int, depth: int) -> list[Any]:
        values, position = [], 0
        for _ in range(count):
            element = _element(data, position)
            position = element.end
            values.append(self.matrix(element.data, depth + 1)[1])
        return values

    def _structs(self, shape: tuple[int, ...], data: _Bytes, depth: int) -> Any:
        length = _element(data, 0)
        names = _element(data, length.end)
        fields = _field_names(names.data.tobytes(), int(_numbers(length)[0]))
        count = self._count(shape)
        width = len(fields)
        values = self._items_of(data[names.end :], self._count((count, width)), depth)
        structs: list[Mapping[str, Any]] = [
            dict(zip(fields, values[i * width : (i + 1) * width], strict=True))
            for i in range(count)
        ]
        return structs[0] if count == 1 else structs


def _field_names(data: bytes, length: int) -> list[str]:
    if length < 1 or len(data) > _MAX_ITEMS:
        raise WeightsError("the names of a struct's fields are invalid")
    pieces = (data[i : i + length] for i in range(0, len(data), length))
    return [piece.split(b"\0")[0].decode("latin-1") for piece in pieces]


def _text(codes: NDArray[Any]) -> str:
    return "".join(map(chr, codes[:_MAX_TEXT].tolist()))


def _numbers(element: _Element) -> NDArray[Any]:
    if element.type not in _NUMBERS:
        raise WeightsError(f"it holds numbers of the unknown type {element.type}")
    return element.data.view(_NUMBERS[element.type])
