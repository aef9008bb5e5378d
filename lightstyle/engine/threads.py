"""How many threads ONNX Runtime gets."""

import os
from pathlib import Path
from typing import Final

from ..settings import arguments
from ..settings.scalars import checked, whole

#: More threads than any machine has cores; each costs memory before it does anything.
MAXIMUM_THREADS: Final = 512

#: CPU limit of the control group that this process is in.
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def available_cpus() -> int:
    """Return the number of CPUs within the process's affinity and container quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        count = os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text("ascii").split()
        count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return count


def check_threads(threads: int | None) -> int | None:
    """Return a number of threads that ONNX Runtime does not choke on, or None.

    Raises:
        UsageError: If there are fewer than 1 or more than `MAXIMUM_THREADS`.
    """
    kind = arguments.optional(whole(1, MAXIMUM_THREADS))
    checked_threads: int | None = checked("threads", kind, threads)
    return checked_threads


def intra_op_threads(threads: int | None) -> int:
    """Return what ONNX Runtime is told; 0 lets it choose one per physical core.

    Its choice ignores affinity and quota, so it gets a number where either is in force.
    """
    if threads is not None:
        return threads
    cpus = available_cpus()
    return 0 if cpus == os.cpu_count() else cpus
