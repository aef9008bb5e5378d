"""What groups allow, in a faked root folder: both versions, nested, in containers."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lightstyle.engine import cgroups, memory
from lightstyle.engine.threads import available_cpus

GB = 10**9
TREE = "sys/fs/cgroup"
NONE_V1 = "9223372036854771712"

V2 = {
    "memory.max": f"{GB}",
    "memory.current": "500000000",
    "memory.stat": "anon 200000000\ninactive_file 300000000",
    "cpu.max": "100000 100000",
}
FREE_V2 = V2 | {"memory.max": "max", "cpu.max": "max 100000"}
MEMORY_V1 = {
    "memory.limit_in_bytes": f"{GB}",
    "memory.usage_in_bytes": "500000000",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 300000000",
}
CPU_V1 = {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"}
MOUNT_V2 = "31 23 0:28 {} /sys/fs/cgroup rw - cgroup2 cgroup rw"
MOUNTS_V1 = (
    "35 31 0:31 {0} /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
    "32 31 0:29 {0} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
)
GROUPS_V1 = "4:memory:{0}\n1:cpu,cpuacct:{0}\n0::/"

#: Files by folder, and what /proc/self says of the groups and the mounts.
MACHINES: Mapping[str, tuple[dict[str, dict[str, str]], str, str]] = {
    "v2, seen from inside": ({"": V2}, "0::/", MOUNT_V2.format("/")),
    "v2, named as outside": ({"": V2}, "0::/docker/a", MOUNT_V2.format("/docker/a")),
    "v2, moved away": ({"": V2}, "0::/../b", MOUNT_V2.format("/")),
    "v2, a service": (
        {"": {}, "system.slice": FREE_V2, "system.slice/a": V2},
        "0::/system.slice/a",
        MOUNT_V2.format("/"),
    ),
    "v2, limits of a parent": (
        {"": {}, "a": V2, "a/b": FREE_V2, "a/b/c": FREE_V2},
        "0::/a/b/c",
        MOUNT_V2.format("/"),
    ),
    "v2, a larger limit inside": (
        {"": {}, "a": V2, "a/b": V2 | {"memory.max": f"{4 * GB}"}},
        "0::/a/b",
        MOUNT_V2.format("/"),
    ),
    "v1": (
        {"memory/a": MEMORY_V1, "cpu,cpuacct/a": CPU_V1},
        GROUPS_V1.format("/a"),
        MOUNTS_V1.format("/"),
    ),
    "v1, a container": (
        {"memory": MEMORY_V1, "cpu,cpuacct": CPU_V1},
        GROUPS_V1.format("/docker/a"),
        MOUNTS_V1.format("/docker/a"),
    ),
    "v1, limits of a parent": (
        {
            "memory/a": MEMORY_V1,
            "memory/a/b": MEMORY_V1 | {"memory.limit_in_bytes": NONE_V1},
            "cpu,cpuacct/a": CPU_V1,
            "cpu,cpuacct/a/b": CPU_V1 | {"cpu.cfs_quota_us": "-1"},
        },
        GROUPS_V1.format("/a/b"),
        MOUNTS_V1.format("/"),
    ),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_one_gigabyte_and_one_cpu_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    folders, groups, mounts = MACHINES[machine]
    written = {f"{TREE}/{folder}": files for folder, files in folders.items()}
    written["proc/self"] = {"cgroup": groups, "mountinfo": mounts}
    for folder, files in written.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (tmp_path / folder / name).write_text(f"{text}\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {*range(8)}, raising=False)
    assert memory.total() == GB
    assert memory.available() == GB - 200_000_000
    assert available_cpus() == 1


def test_without_groups_there_are_no_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert [*cgroups.memory_limits(), *cgroups.cpu_limits()] == []
