"""One picture on a cluster of Ray, whose workers die."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import psutil
import pytest

from lightstyle import Model, Settings, stylize
from lightstyle.cluster.connection import Cluster
from lightstyle.cluster.picture import spread
from lightstyle.engine import banding
from lightstyle.errors import ClusterError
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.transfer.result import Result
from lightstyle.zoo import registry
from tests.support.networks import picture
from tests.support.processes import named


@pytest.fixture(autouse=True)
def _small_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banding, "ROUND_TRIPS", 0)


def _pixels(width: int, height: int, seed: int) -> Any:
    return picture(height, width, seed).transpose(1, 2, 0) / 255


def _run(model: Model, size: int, iterations: int) -> Result:
    settings = Settings(size=size, iterations=iterations, style_weight=1e4)
    content, style = _pixels(size, size // 6, 1), _pixels(size // 2, size // 6, 2)
    return stylize(content, style, model=model, settings=settings)


def _losses(result: Result) -> list[float]:
    return [each.total for each in result.history]


def _workers() -> list[psutil.Process]:
    """The processes of workers that this process has, however they came to be."""
    return named("_Actor", psutil.Process().children(recursive=True))


@contextmanager
def _killed_once(ready: Callable[[], bool]) -> Iterator[list[int]]:
    """Kill a worker as soon as something is so, unless the context has ended before."""
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while not ready():
            if over.wait(0.01):
                return
        victim = random.choice(_workers() or [None])
        if victim is not None:
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        over.set()
        killer.join()


def test_a_run_on_a_cluster_has_the_losses_of_a_run_here(
    model: Model, cluster: Cluster
) -> None:
    alone = _run(model, 720, 4)
    with spread(model, cluster, threads=1) as banded:
        found = _run(model, 720, 4)
        assert banded.moved
    assert model.elsewhere is None
    assert _losses(found) == pytest.approx(_losses(alone), rel=1e-3)


def test_a_worker_is_killed_and_the_losses_are_the_same(
    model: Model, cluster: Cluster
) -> None:
    with spread(model, cluster, threads=1) as banded:
        expected = _run(model, 720, 6)
        before = banded.moved
        with _killed_once(lambda: banded.moved > before) as killed:
            found = _run(model, 720, 6)
        assert killed
    assert _losses(found) == _losses(expected)


def test_a_cluster_without_room_is_one_line(model: Model, cluster: Cluster) -> None:
    with (
        pytest.raises(ClusterError, match=r"no node .* 64 CPUs: .* lower --threads"),
        spread(model, cluster, threads=64),
    ):
        pass


@pytest.mark.slow
def test_workers_are_killed_at_random_and_every_run_ends_the_same(
    cluster: Cluster,
) -> None:
    bundled = Model.load(registry.find(BUNDLED_MODEL), "cpu", 1)
    alone = _run(bundled, 1024, 12)
    with spread(bundled, cluster, threads=1):
        began = perf_counter()
        expected = _losses(_run(bundled, 1024, 12))
        seconds = perf_counter() - began
        for _ in range(10):
            moment = perf_counter() + random.uniform(0, seconds)
            with _killed_once(lambda: perf_counter() > moment):  # noqa: B023
                assert _losses(_run(bundled, 1024, 12)) == expected
    # Rounding parts two runs after a few evaluations, in strips on one machine, too.
    assert expected[:5] == pytest.approx(_losses(alone)[:5], rel=1e-4)
