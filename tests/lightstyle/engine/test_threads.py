import pytest

from lightstyle.engine import cgroups
from lightstyle.engine.threads import available_cpus


@pytest.mark.parametrize(
    ("affinity", "limits", "count"),
    [(8, [], 8), (8, [2.5], 2), (8, [0.5], 1), (2, [8.0], 2), (8, [4.0, 1.0], 1)],
)
def test_available_cpus_are_those_of_affinity_and_container(
    monkeypatch: pytest.MonkeyPatch, affinity: int, limits: list[float], count: int
) -> None:
    cpus = set(range(affinity))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: cpus, raising=False)
    monkeypatch.setattr(cgroups, "cpu_limits", lambda: iter(limits))
    assert available_cpus() == count
