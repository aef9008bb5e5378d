"""``python -m tests.benchmarks.watchers``: what clients that watch a job cost it.

The same job runs alone and watched, in turns. Each of 50 clients, from an address of
its own, follows the events of the job, and asks for its status once a second, as a page
does that has lost its stream. The job has one thread: on a machine of two cores the
other one is left to the server and to the clients, which are a process of their own.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from lightstyle.model_folder import BUNDLED_MODEL
from tests.benchmarks.machine import description
from tests.conftest import draw_pictures
from tests.support.serving import Server, serving

CLIENTS: Final = 50

#: Seconds between two questions of a client.
PAUSE: Final = 1.0

#: Most that the job may take longer, and seconds of all but 1 % of the answers.
COST, SLOWEST = 1.05, 0.05


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """The body of an answer of a known length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    assert head.startswith(b"HTTP/1.1 200"), head
    return await reader.readexactly(int(length))


class _Client:
    """Watches a job from an address of its own."""

    def __init__(self, number: int, port: int, path: str) -> None:
        self._from, self._port, self._path = f"127.0.0.{number + 2}", port, path
        self.took: list[float] = []

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        local = (self._from, 0)
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=local)

    def _request(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode()

    async def follow(self) -> None:
        """Read the events until they end."""
        reader, writer = await self._connected()
        writer.write(self._request(f"{self._path}/events"))
        while await reader.read(65536):
            pass

    async def ask(self, after: float) -> None:
        """Ask for the status again and again."""
        await asyncio.sleep(after)
        reader, writer = await self._connected()
        while True:
            began = perf_counter()
            writer.write(self._request(self._path))
            await _answer(reader)
            self.took.append(perf_counter() - began)
            await asyncio.sleep(PAUSE)


async def _watch(port: int, path: str, told: Connection) -> list[float]:
    clients = [_Client(number, port, path) for number in range(CLIENTS)]
    tasks = [asyncio.create_task(each.follow()) for each in clients]
    for number, each in enumerate(clients):
        tasks.append(asyncio.create_task(each.ask(PAUSE * number / CLIENTS)))
    while not told.poll():
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [seconds for each in clients for seconds in each.took]


def watch(port: int, path: str, told: Connection) -> None:
    """Be all clients, until told to end; then tell how long the answers took."""
    told.send(asyncio.run(_watch(port, path, told)))


@dataclass(frozen=True)
class Turn:
    """Seconds of a job, the server's CPU time in a second, and seconds of answers."""

    job: float
    server: float
    answers: list[float]


def turn(server: Server, settings: Mapping[str, Any], *, watched: bool) -> Turn:
    """Run a job to its end."""
    process, context = psutil.Process(server.process.pid), get_context("spawn")
    id_ = server.submit(settings)
    path, answers = f"/v1/jobs/{id_}", list[float]()
    here, there = context.Pipe()
    if watched:
        port = urlsplit(str(server.client.base_url)).port
        clients = context.Process(target=watch, args=(port, path, there), daemon=True)
        clients.start()
    used, began = sum(process.cpu_times()[:2]), perf_counter()
    server.client.get(f"{path}/events", timeout=None)  # until it has ended
    used, took = sum(process.cpu_times()[:2]) - used, perf_counter() - began
    if watched:
        here.send("end")
        answers = here.recv()
        clients.join()
    return Turn(server.status(id_)["outcome"]["seconds"], used / took, answers)


def main() -> None:
    """Print a table, and whether the bars are met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.watchers")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=100)
    options = parser.parse_args()
    print(f"{description(1)}\n")
    settings = {"size": options.size, "iterations": options.iterations, "enlarge": True}
    alone, watched = list[Turn](), list[Turn]()
    with tempfile.TemporaryDirectory() as name:
        draw_pictures(Path(name))
        os.chdir(name)
        with serving(Path(name, "data"), Path(BUNDLED_MODEL)) as server:
            turn(server, {**settings, "iterations": 3}, watched=False)
            print("| s alone | s watched | ratio | server's CPU | p50 ms | p99 ms |")
            print("|---|---|---|---|---|---|")
            for _ in range(options.turns):
                alone.append(turn(server, settings, watched=False))
                watched.append(turn(server, settings, watched=True))
                job, cut = watched[-1].job, quantiles(watched[-1].answers, n=100)
                print(
                    f"| {alone[-1].job:.1f} | {job:.1f} | {job / alone[-1].job:.3f} "
                    f"| {alone[-1].server:.1%}, {watched[-1].server:.1%} "
                    f"| {1000 * cut[49]:.1f} | {1000 * cut[98]:.1f} |",
                    flush=True,
                )
    pairs = zip(alone, watched, strict=True)
    cost = median(after.job / before.job for before, after in pairs)
    answers = [seconds for each in watched for seconds in each.answers]
    slowest = quantiles(answers, n=100)[98]
    print(
        f"\n{CLIENTS} clients: the job takes {cost - 1:+.1%} (allowed {COST - 1:.0%}); "
        f"p99 of {len(answers)} answers {1000 * slowest:.1f} ms "
        f"(allowed {1000 * SLOWEST:.0f})"
    )
    sys.exit(int(cost > COST or slowest > SLOWEST))


if __name__ == "__main__":
    main()
