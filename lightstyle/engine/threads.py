"""How many threads ONNX Runtime gets."""

import os
from typing import Final

from ..settings import arguments
from ..settings.scalars import checked, whole
from . import cgroups

#: More threads than any machine has cores; each costs memory before it does anything.
MAXIMUM_THREADS: Final = 512


def available_cpus() -> int:
    """Return the number of CPUs within the process's affinity and container quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        count = os.cpu_count() or 1
    return max(1, min([count, *map(int, cgroups.cpu_limits())]))


def check_threads(threads: int | None) -> int | None:
    """Return how many of `threads` have a CPU of their own, or None for None.

    More would only wait for each other: 512 at 64 pixels took over a minute.

    Raises:
        UsageError: If there are fewer than 1 or more than `MAXIMUM_THREADS`.
    """
    kind = arguments.optional(whole(1, MAXIMUM_THREADS))
    checked_threads: int | None = checked("threads", kind, threads)
    return checked_threads and min(checked_threads, available_cpus())


def intra_op_threads(threads: int | None) -> int:
    """Return what ONNX Runtime is told; 0 lets it choose one per physical core.

    Its choice ignores affinity and quota, so it gets a number where either is in force.
    """
    if threads is not None:
        return threads
    cpus = available_cpus()
    return 0 if cpus == os.cpu_count() else cpus
