"""Memory of this process and of the machine, and sizes as people write them.

psutil reads both on every system. It knows nothing of what containers (`cgroups`) and
``ulimit`` allow.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from ..errors import OUT_OF_MEMORY, TransferError, UsageError
from ..settings.scalars import checked, number
from . import cgroups

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

#: Less is no size of memory that anybody means: a unit is missing.
_LEAST: Final = 10**6

#: Nor is more.
_MOST: Final = 10**18

#: What libraries say where memory, or an address for it, is not to be had.
_SHORTAGE: Final = re.compile(
    "failed to allocate|bad.?alloc|cannot allocate memory|failed to map segment"
    "|pthread_create failed|out of memory",
    re.IGNORECASE,
)


def parse(text: str) -> int | None:
    """Return the bytes of ``2GB``, ``800M`` or ``1500000000``; None for ``auto``.

    Raises:
        UsageError: If `text` is not a size.
    """
    if text == "auto":
        return None
    return size("memory", text, "auto or a size such as 2GB")


def size(name: str, text: str, expected: str = "a size such as 10GB") -> int:
    """Return the bytes of ``2GB``, ``800M`` or ``1500000000``.

    Args:
        name: What an error message calls it.
        text: The size.
        expected: What an error message asks for.

    Raises:
        UsageError: If `text` is not a size.
    """
    form = r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?"
    match = re.fullmatch(form, text.strip(), re.IGNORECASE)
    found = float(match[1]) * _UNITS[match[2].upper()] if match else 0.0
    if not _LEAST <= found <= _MOST:
        raise UsageError(f"{name} is {text}, expected {expected}")
    return int(found)


def check_memory(memory: float | None) -> int | None:
    """Return a number of bytes to use at most, or None.

    Raises:
        UsageError: If it is no number, or so small that a unit is missing.
    """
    kind = replace(
        number(_LEAST, _MOST), expected="a number of bytes, such as 2e9", optional=True
    )
    found: float | None = checked("memory", kind, memory)
    return None if found is None else int(found)


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    import psutil

    return psutil.Process().memory_info().rss


def total() -> int:
    """Return the bytes of memory that this process may have at most.

    That is what the machine has and can swap out, or less if its container or
    ``ulimit`` allows less.
    """
    import psutil

    machine = psutil.virtual_memory().total + psutil.swap_memory().total
    return min([machine, *(most for most, _ in _limits())])


def available() -> int:
    """Return the bytes that this process may still take.

    That is what is free in the machine, or less if its container or ``ulimit`` allows
    less.
    """
    import psutil

    free = psutil.virtual_memory().available
    return max(0, min([free, *(left for _, left in _limits())]))


def reachable(share: float = 1.0) -> int:
    """Return the bytes that this process can have with `share` of what is free."""
    return resident() + int(share * available())


def _limits() -> Iterator[tuple[int, int]]:
    """Yield each limit of this process's memory, and how much of it is left."""
    yield from cgroups.memory_limits()
    with suppress(ImportError):  # not on Windows
        import resource

        import psutil

        held = psutil.Process().memory_info()
        data = getattr(held, "data", held.vms)  # Linux tells
        used = {resource.RLIMIT_AS: held.vms, resource.RLIMIT_DATA: data}
        for limit, taken in used.items():
            most, _ = resource.getrlimit(limit)
            if most != resource.RLIM_INFINITY:
                yield most, most - taken


def shortage(error: Exception) -> TransferError | None:
    """Return the error that says what to lower, if `error` is a lack of memory."""
    lacking = isinstance(error, MemoryError) or _SHORTAGE.search(str(error))
    return TransferError(OUT_OF_MEMORY) if lacking else None


def give_back() -> None:
    """Return freed memory to the system where the C library keeps it.

    glibc's heap grew by a quarter of a gigabyte over an evaluation in strips.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
