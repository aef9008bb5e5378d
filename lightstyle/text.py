"""Formats names, times and values for people, and decodes the texts they write.

Whatever comes from a file or a caller is printed through `printable` or `shown`.
"""

import codecs
import os
import unicodedata
from contextlib import suppress
from reprlib import Repr
from typing import Final

#: Most characters of a name that is printed; of a longer one, the middle is left out.
LONGEST: Final = 2000

#: The same of an error or a note, so that people read it.
LONGEST_MESSAGE: Final = 380

#: Encodings by the byte order mark that tells them. UTF-32 comes first: its mark begins
#: with that of UTF-16.
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class _Short(Repr):
    """Writes values of any size in a few words."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60

    def repr_int(self, x: int, level: int) -> str:
        """Write an integer; Python refuses to write very long ones."""
        if x.bit_length() > 1000:
            return f"a number of {x.bit_length()} bits"
        return super().repr_int(x, level)


_SHORT: Final = _Short()


def printable(text: str | os.PathLike[str], longest: int = LONGEST) -> str:
    """Return a text or a path on one line, with ``?`` for unprintable characters.

    Of one with more than `longest` characters, the middle is left out.
    """
    found = os.fspath(text)
    if len(found) > longest:
        found = f"{found[: longest // 2]} … {found[-longest // 2 :]}"
    with suppress(UnicodeEncodeError):  # half a surrogate pair, which no path has
        found = os.fsencode(found).decode("utf-8", "replace")
    return "".join(c if _is_visible(c) else "?" for c in found)


def one_line(message: str) -> str:
    """Join the lines of `message`, with ``?`` for characters that terminals act on."""
    joined = " ".join(line.strip() for line in message.splitlines())
    return printable(joined, LONGEST_MESSAGE)


def decoded(data: bytes) -> str:
    """Decode a text file: UTF-8, or what its byte order mark says.

    PowerShell writes UTF-16 where its user writes ``>``.

    Raises:
        ValueError: It is no such text.
    """
    found = (name for mark, name in _MARKS.items() if data.startswith(mark))
    return data.decode(next(found, "utf-8"))


def shown(value: object) -> str:
    """Return the `repr` of a value on one short line."""
    try:
        found = _SHORT.repr(value)
    except Exception:  # whatever its class does
        found = f"a {type(value).__name__}"
    return printable(" ".join(found.split()), 100)


def duration(seconds: float) -> str:
    """Return a rounded time: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, noun: str) -> str:
    """Put a count before a noun with a regular plural: ``1 style``, ``2 styles``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _is_visible(character: str) -> bool:
    """Whether it is printed, also as a space of any width, as names of files have."""
    return character.isprintable() or unicodedata.category(character) == "Zs"
