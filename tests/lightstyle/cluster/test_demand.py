"""What workers take of machines, which need not be there for that."""

from typing import Any

import pytest

from lightstyle import Settings
from lightstyle.cluster.connection import Cluster
from lightstyle.cluster.demand import Demand
from lightstyle.errors import ClusterError, ModelError
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.task import Task

GB = 10**9


class Ray:
    """A cluster with machines of so many CPUs, GPUs and gigabytes."""

    def __init__(self, *machines: tuple[int, int, float]) -> None:
        self._machines = machines

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "Alive": True,
                "NodeID": str(number),
                "NodeManagerAddress": f"10.0.0.{number}",
                "Resources": {"CPU": cpus, "GPU": gpus, "memory": memory * GB},
            }
            for number, (cpus, gpus, memory) in enumerate(self._machines)
        ]


def _demand(
    *machines: tuple[int, int, float], size: int = 512, **runtime: Any
) -> tuple[Demand, int]:
    """What a worker takes, and how many there are."""
    cluster = Cluster("auto", Ray(*machines))
    tasks = [Task(given={}, settings=Settings(size=size))]
    model = "vgg19-lite"
    demand = Demand.of(cluster, Runtime(model=model, **runtime), tasks)
    return demand, demand.slots(cluster.nodes)


def test_without_threads_a_worker_takes_the_smallest_machine() -> None:
    demand, slots = _demand((0, 0, 8), (4, 0, 16), (10, 0, 32))
    assert demand.runtime.threads == 4
    assert slots == 1 + 2
    assert demand.options["num_cpus"] == 4
    assert demand.options["num_gpus"] == 0


def test_threads_and_memory_say_how_many_workers_a_machine_holds() -> None:
    assert _demand((8, 0, 16), threads=2)[1] == 4
    demand, slots = _demand((8, 0, 16), threads=2, memory=5 * GB)
    assert (demand.memory, demand.runtime.memory, slots) == (5 * GB, 5 * GB, 3)


def test_the_memory_grows_with_the_picture_and_workers_become_fewer() -> None:
    small, many = _demand((8, 0, 16), threads=1, size=256)
    large, few = _demand((8, 0, 16), threads=1, size=4000)
    assert 0.1 * GB < small.memory < 1.9 * GB
    assert large.memory > small.memory + GB
    assert many == 8 > few >= 1
    assert small.runtime.share == 2 * GB
    assert (large.runtime.share or 0) >= large.memory


def test_a_gpu_is_taken_if_it_is_asked_for_or_there() -> None:
    machines = (8, 2, 64), (32, 0, 64)
    for device in ("cuda", "auto"):
        demand, slots = _demand(*machines, threads=2, device=device)
        assert (demand.gpus, slots) == (1, 2)
    demand, slots = _demand(*machines, threads=2, device="cpu")
    assert (demand.gpus, slots) == (0, 20)


@pytest.mark.parametrize(
    ("machines", "more", "words"),
    [
        ([(2, 0, 8)], {"threads": 3}, "has 3 CPUs: start one that has, or lower --thr"),
        ([(2, 0, 8)], {"device": "cuda"}, "has 1 CPU and a GPU"),
        ([(0, 0, 8)], {}, "has 1 CPU: "),
        ([(2, 0, 8)], {"memory": 9 * GB}, "is 9.00 GB, but no node .* than 8.00 GB"),
        ([(2, 0, 8)], {"size": 20000}, r"no node .* enough memory: .* needs at least"),
    ],
)
def test_what_no_machine_has_is_told(
    machines: list[tuple[int, int, float]], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClusterError, match=words):
        _demand(*machines, **more)


def test_a_model_that_is_not_there_is_told() -> None:
    cluster = Cluster("auto", Ray((2, 0, 8)))
    with pytest.raises(ModelError, match="nowhere"):
        Demand.of(cluster, Runtime(model="nowhere.onnx"), [Task(given={})])
