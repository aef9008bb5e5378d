"""Memory of this process and of the machine, and sizes as people write them.

psutil reads both on every system. What a container allows is read here, because psutil
knows nothing of control groups.
"""

import ctypes
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..settings.scalars import checked, number

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

#: Less is no size of memory that anybody means: a unit is missing.
_LEAST: Final = 10**6

#: Control group of this process, in a container or not.
_GROUP: Final = Path("/sys/fs/cgroup")


def parse(text: str) -> int | None:
    """Return the bytes of ``2GB``, ``800M`` or ``1500000000``; None for ``auto``.

    Raises:
        UsageError: If `text` is not a size.
    """
    if text == "auto":
        return None
    form = r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?"
    match = re.fullmatch(form, text.strip(), re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < _LEAST:
        raise UsageError(f"memory is {text}, expected auto or a size such as 2GB")
    return size


def check_memory(memory: float | None) -> int | None:
    """Return a number of bytes to use at most, or None.

    Raises:
        UsageError: If it is no number, or so small that a unit is missing.
    """
    kind = replace(
        number(_LEAST, 1e18), expected="a number of bytes, such as 2e9", optional=True
    )
    found: float | None = checked("memory", kind, memory)
    return None if found is None else int(found)


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    import psutil

    return psutil.Process().memory_info().rss


def total() -> int:
    """Return the bytes of memory of the machine, with those that it can swap out."""
    import psutil

    return psutil.virtual_memory().total + psutil.swap_memory().total


def available() -> int:
    """Return the bytes that this process may still take.

    That is what is free in the machine, or less if its container allows less.
    """
    import psutil

    free = [psutil.virtual_memory().available]
    try:
        most = int((_GROUP / "memory.max").read_text("ascii"))
        used = int((_GROUP / "memory.current").read_text("ascii"))
        # Cached files that were not used lately make way by themselves.
        lines = (_GROUP / "memory.stat").read_text("ascii").splitlines()
        cached = dict(line.split() for line in lines).get("inactive_file", "0")
        free.append(most - used + int(cached))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return max(0, min(free))


def give_back() -> None:
    """Return freed memory to the system where the C library keeps it.

    glibc's heap grew by a quarter of a gigabyte over an evaluation in strips.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
