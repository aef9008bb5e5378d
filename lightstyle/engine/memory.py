"""The memory of this process and of the machine, and sizes as people write them."""

import ctypes
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

#: Control group of this process, in a container or not.
_GROUP: Final = Path("/sys/fs/cgroup")


def parse(text: str) -> int | None:
    """Bytes of ``2GB``, ``800M`` or ``1500000000``; none for ``auto``.

    Raises:
        UsageError: If it is neither.
    """
    if text == "auto":
        return None
    form = r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?"
    match = re.fullmatch(form, text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"memory is {text}, expected auto or a size such as 2GB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def resident() -> int:
    """Bytes of memory that this process holds."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 300 * 10**6  # what a process with a model loaded holds


def give_back() -> None:
    """Return what was freed to the system, where the C library keeps it for itself.

    glibc's heap grew by a quarter of a gigabyte over an evaluation in parts.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Any:
    """The C library's function for it, if it has one."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None


def available() -> int:
    """Bytes that this process may still take: the machine's, or its container's."""
    free = [_machine()]
    try:
        most = int((_GROUP / "memory.max").read_text("ascii"))
        used = int((_GROUP / "memory.current").read_text("ascii"))
        # Files that were read and not looked at since make way by themselves.
        lines = (_GROUP / "memory.stat").read_text("ascii").splitlines()
        cached = dict(line.split() for line in lines).get("inactive_file", "0")
        free.append(most - used + int(cached))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return max(0, min(free))


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, AttributeError):
        return sys.maxsize  # nothing tells: whole pictures, as ever
