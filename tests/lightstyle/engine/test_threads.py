from pathlib import Path

import pytest

from lightstyle.engine.threads import available_cpus


@pytest.mark.parametrize(
    ("affinity", "quota", "count"),
    [
        (8, "max 100000", 8),
        (8, "250000 100000", 2),
        (8, "50000 100000", 1),
        (2, "800000 100000", 2),
    ],
)
def test_available_cpus_are_those_of_affinity_and_container(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: str, count: int
) -> None:
    cpus = set(range(affinity))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: cpus, raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: quota)
    assert available_cpus() == count
