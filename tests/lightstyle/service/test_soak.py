"""What a server costs, and that it stays so: many jobs, and many clients.

``python -m pytest -m slow -s tests/lightstyle/service/test_soak.py`` prints figures.
"""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

import httpx
import psutil
import pytest

from tests.support.processes import start, wait_for
from tests.support.serving import QUICK, Server, form, serving

pytestmark = pytest.mark.slow

JOBS = 1000
SETTINGS = {**QUICK, "size": 64}


def _megabytes(server: Server) -> float:
    return float(psutil.Process(server.process.pid).memory_info().rss) / 1e6


def test_a_thousand_jobs_leave_the_server_as_it_was(
    tmp_path: Path, folder: Path, tiny_model: Path
) -> None:
    options = ("--max-jobs", JOBS + 1, "--max-client-jobs", JOBS + 1)
    with serving(tmp_path / "data", tiny_model, *options) as server:
        server.until(server.submit(SETTINGS), "done")  # the worker is there now
        request, children, memory = form(SETTINGS), set(), {}
        began = time.monotonic()
        ids = []
        for number in range(JOBS):
            answer = server.client.post("/v1/jobs", **request)
            assert answer.status_code == 202, answer.text
            ids.append(answer.json()["id"])
            if number % 50 == 49:  # not far ahead of what is done
                wait_for(lambda: server.state(ids[-25]) == "done", 600)
                children |= {child.pid for child in server.children()}
                memory[number + 1] = _megabytes(server)
        wait_for(lambda: server.state(ids[-1]) == "done", 600)
        seconds = time.monotonic() - began
        assert {server.state(id_) for id_ in ids} == {"done"}
    batch = _batch(folder, tiny_model, JOBS)
    print(
        f"\n{JOBS} jobs in {seconds:.1f} s, {JOBS / seconds:.1f} a second; batch takes "
        f"{batch:.1f} s: {seconds / batch - 1:+.0%}; resident {memory[100]:.0f} MB "
        f"after 100 and {memory[JOBS]:.0f} MB after {JOBS}; {len(children)} workers"
    )
    assert memory[JOBS] <= 1.1 * memory[100]
    assert len(children) > 1


def _batch(folder: Path, model: Path, count: int) -> float:
    """Seconds that the same pictures take as a batch, with a worker that is loaded."""
    (folder / "many").mkdir()
    for number in range(count):
        shutil.copy(folder / "content.png", folder / "many" / f"{number}.png")
    began = time.monotonic()
    settings = ("--size", 64, "--iterations", 3, "--style-weight", "1e4")
    runtime = ("--model", model, "--threads", 1, "--quiet")
    process = start(
        "batch", folder / "many", folder / "style.png", "-o", "out", *settings, *runtime
    )
    _, said = process.communicate()
    assert process.returncode == 0, said
    return time.monotonic() - began


def test_clients_that_watch_cost_a_job_little(
    tmp_path: Path, folder: Path, tiny_model: Path
) -> None:
    settings = {**QUICK, "size": 256, "enlarge": True, "iterations": 2000}
    with serving(tmp_path / "data", tiny_model) as server:
        alone = _seconds(server, settings)
        id_ = server.submit(settings)
        stop, took = threading.Event(), list[float]()

        def watch(number: int) -> None:
            with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
                if number < 6:
                    client.get(f"/v1/jobs/{id_}/events")
                while not stop.wait(1):
                    began = time.monotonic()
                    client.get(f"/v1/jobs/{id_}")
                    took.append(time.monotonic() - began)

        with ThreadPoolExecutor(50) as pool:
            for number in range(50):
                pool.submit(watch, number)
            wait_for(lambda: server.state(id_) == "done", 600)
            stop.set()
        watched = server.status(id_)["outcome"]["seconds"]
        p99 = quantiles(took, n=100)[-1]
        print(
            f"\nalone {alone:.1f} s, watched {watched:.1f} s, p99 {1000 * p99:.0f} ms"
        )


def _seconds(server: Server, settings: dict[str, object]) -> float:
    seconds: float = server.until(server.submit(settings), "done")["outcome"]["seconds"]
    return seconds
