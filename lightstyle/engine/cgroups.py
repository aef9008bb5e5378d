"""What control groups of Linux allow this process, as in containers and services.

Both versions are read. A group is bound by its own limits and by those of every group
that it lies in, as far as they can be seen: a container sees itself as the root.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Root of the file system.
ROOT: Final = Path("/")

#: Files of a group in the versions: the limit, the use, and what memory.stat calls
#: cached files that were not used lately, which make way by themselves.
_MEMORY: Final = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def memory_limits() -> Iterator[tuple[int, int]]:
    """Yield each limit of memory, and how much of it is left, in bytes."""
    for group in _groups("memory"):
        for limit, use, cached in _MEMORY:
            with suppress(OSError, ValueError):  # the other version, or no limit: "max"
                most = int(_read(group / limit))
                lines = _read(group / "memory.stat").splitlines()
                stat = dict(line.split() for line in lines)
                used = int(_read(group / use)) - int(stat.get(cached, "0"))
                yield most, most - used


def cpu_limits() -> Iterator[float]:
    """Yield each limit of CPUs, of which there may be fractions."""
    for group in _groups("cpu"):
        with suppress(OSError, ValueError):
            quota, period = _read(group / "cpu.max").split()
            yield int(quota) / int(period)
        with suppress(OSError, ValueError):
            quota = _read(group / "cpu.cfs_quota_us")
            if int(quota) > 0:  # -1: no limit
                yield int(quota) / int(_read(group / "cpu.cfs_period_us"))


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups, each before the one it lies in."""
    with suppress(OSError, ValueError):
        lines = _read(ROOT / "proc/self/cgroup").splitlines()
        mounts = [*_mounts(controller)]
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            for is_second, inside, mount in mounts:
                if is_second == (not controllers):
                    yield from _upward(mount, path, inside)


def _mounts(controller: str) -> Iterator[tuple[bool, str, Path]]:
    """Yield each mounted hierarchy that may have `controller`.

    Yields:
        Whether it is of the second version, which group its root is, and its folder.
    """
    for line in _read(ROOT / "proc/self/mountinfo").splitlines():
        mounted, _, kind = line.partition(" - ")
        inside, folder = mounted.split()[3:5]
        name, _, options = kind.split(maxsplit=2)
        is_second = name == "cgroup2"
        if is_second or (name == "cgroup" and controller in options.split(",")):
            yield is_second, inside, ROOT / folder.lstrip("/")


def _upward(mount: Path, path: str, inside: str) -> Iterator[Path]:
    """Yield the folder of the group called `path`, and those above it up to `mount`.

    Args:
        mount: Folder of the hierarchy.
        path: Name of the group, from the root of all groups or of the container.
        inside: Name of the group that is mounted.
    """
    below = path.removeprefix(inside.rstrip("/")).strip("/")
    folder = mount / below
    if ".." in Path(below).parts or not folder.is_dir():  # named as the host sees it
        folder = mount
    while True:
        yield folder
        if folder == mount:
            break
        folder = folder.parent


def _read(path: Path) -> str:
    return path.read_text("ascii")
