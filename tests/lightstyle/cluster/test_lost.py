"""An executor whose cluster is lost, by a Ray that does nothing but that."""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightstyle.cluster.connection import Cluster
from lightstyle.cluster.demand import Demand
from lightstyle.cluster.executor import RayExecutor
from lightstyle.errors import ClusterError
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.task import Task

TASK = Task(given={"content": "content.png", "style": "style.png"})
LOST = "cluster auto was lost: no answer"


class _Ray:
    """Has one machine, which is gone when a worker is to start there."""

    def nodes(self) -> list[dict[str, Any]]:
        resources = {"CPU": 1.0, "memory": 1e9}
        names = {"NodeID": "a", "NodeManagerAddress": "10.0.0.1"}
        return [{"Alive": True, "Resources": resources, **names}]

    def remote(self, kind: type) -> Any:
        return SimpleNamespace(options=lambda **more: SimpleNamespace(remote=_gone))


def _gone(runtime: Runtime) -> None:
    raise ConnectionError("no answer")


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[RayExecutor]:
    demand = Demand(Runtime(threads=1), gpus=0, memory=1)
    with RayExecutor(Cluster("auto", _Ray()), demand, tmp_path) as executor:
        yield executor


def test_every_task_fails_once_the_cluster_is_lost(executor: RayExecutor) -> None:
    for _ in range(3):
        future = executor.submit(TASK)
        with pytest.raises(ClusterError, match=LOST):
            future.result(30)
        executor.cancel(future)
    executor.shutdown()
    with pytest.raises(ClusterError, match=LOST):
        executor.submit(TASK).result(30)


def test_a_task_that_comes_after_the_end_is_given_up(executor: RayExecutor) -> None:
    executor.shutdown()
    with pytest.raises(CancelledError):
        executor.submit(TASK).result(30)
