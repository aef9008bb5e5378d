"""Reads the tags of a TIFF's first directory, classic or big, without Pillow."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

_MOST_TAGS: Final = 1000

#: How `struct` reads a number of each type: byte, short, long, and long of 64 bits.
_FORMS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}


class _Layout(NamedTuple):
    """How a directory is written: offset of it, count, its entries, their values."""

    offset: str
    length: str
    entry: int
    value: int


_CLASSIC: Final = _Layout("I", "H", 12, 8)
_BIG: Final = _Layout("Q", "Q", 20, 12)

#: First bytes of files: order of bytes, layout, and where the directory's offset is.
_STARTS: Final = {
    b"II*\0": ("<", _CLASSIC, 4),
    b"MM\0*": (">", _CLASSIC, 4),
    b"II+\0": ("<", _BIG, 8),
    b"MM\0+": (">", _BIG, 8),
}


@dataclass(frozen=True)
class Directory:
    """The tags of a TIFF.

    Attributes:
        data: The whole file.
        places: By tag, where its first value is if it is short, and how `struct` reads
            it.
    """

    data: bytes
    places: Mapping[int, tuple[int, str]]

    def number(self, tag: int, default: int) -> int:
        """Return the first value of a tag with short numbers.

        Raises:
            struct.error: If it lies beyond the file.
        """
        if tag not in self.places:
            return default
        at, form = self.places[tag]
        return int(struct.unpack_from(form, self.data, at)[0])


def read(data: bytes) -> Directory | None:
    """Return the directory of a TIFF; None for any other file.

    Args:
        data: The whole file, of unknown origin.

    Raises:
        struct.error: If it lies beyond the file.
    """
    if data[:4] not in _STARTS:
        return None
    order, layout, at = _STARTS[data[:4]]
    (start,) = struct.unpack_from(order + layout.offset, data, at)
    (count,) = struct.unpack_from(order + layout.length, data, start)
    first = start + struct.calcsize(order + layout.length)
    places = {}
    for number in range(min(count, _MOST_TAGS)):
        entry = first + number * layout.entry
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        places[tag] = entry + layout.value, order + _FORMS.get(kind, "I")
    return Directory(data, places)
