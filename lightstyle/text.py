"""Formats names and times for people."""

import os


def printable(text: str | os.PathLike[str]) -> str:
    """Return a text or a path on one line, with ``?`` for unprintable characters."""
    decoded = os.fsencode(text).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in decoded)


def duration(seconds: float) -> str:
    """Return a rounded time: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, noun: str) -> str:
    """Put a count before a noun with a regular plural: ``1 style``, ``2 styles``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
