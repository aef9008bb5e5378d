"""Formats names, times and values for people.

Whatever comes from a file or a caller is printed through `printable` or `shown`.
"""

import os
from contextlib import suppress
from reprlib import Repr
from typing import Final

#: Most characters of a line that is printed; of a longer one, the middle is left out.
LONGEST: Final = 2000


class _Short(Repr):
    """Writes values of any size in a few words."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 80

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
    return "".join(c if c.isprintable() else "?" for c in found)


def shown(value: object) -> str:
    """Return the `repr` of a value on one short line."""
    try:
        found = _SHORT.repr(value)
    except Exception:  # whatever its class does
        found = f"a {type(value).__name__}"
    return printable(" ".join(found.split()), 200)


def duration(seconds: float) -> str:
    """Return a rounded time: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, noun: str) -> str:
    """Put a count before a noun with a regular plural: ``1 style``, ``2 styles``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
