"""The service on a cluster does what it does with processes of its own."""

import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import named, wait_for
from tests.support.serving import LONG, QUICK, Server, serving

pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads command lines"),
]


def _workers(server: Server) -> list[psutil.Process]:
    """The processes of a server's cluster that paint or wait."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return named("RemoteWorker", children)


def test_jobs_are_painted_cancelled_and_survive_their_workers_and_the_server(
    folder: Path, tiny_model: Path
) -> None:
    del folder
    data = Path("data")
    with serving(data, tiny_model, "--cluster", "local", "--max-size", 256) as server:
        assert "cluster local: 2 workers with 1 thread each" in server.said()
        first = server.submit(QUICK)
        assert server.until(first, "done", "failed")["state"] == "done"
        assert server.client.get(f"/v1/jobs/{first}/result").status_code == 200
        long = server.submit({**LONG, "iterations": 1500})
        wait_for(lambda: server.evaluations(long) > 10)
        for worker in _workers(server):
            worker.kill()
        wait_for(lambda: server.status(long)["attempt"] == 2)
        wait_for(lambda: server.evaluations(long) > 30)
        other = server.submit({**LONG, "iterations": 2000})
        wait_for(lambda: server.evaluations(other) > 5)
        assert server.client.post(f"/v1/jobs/{other}/cancel").is_success
        assert server.until(other, "cancelled", "done")["state"] == "cancelled"
        assert server.client.get(f"/v1/jobs/{other}/result").status_code == 200
        server.process.terminate()
        assert server.process.wait(60) == 143
        server.start()
        assert server.until(long, "done", "failed")["state"] == "done"
        assert server.stop() == 143
