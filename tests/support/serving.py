"""A server in a process of its own, and what a client does with it."""

import json
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from tests.support.processes import painting, start, wait_for

#: Settings of a job that is over in a moment.
QUICK: Mapping[str, Any] = {"size": 48, "iterations": 3, "style_weight": 1e4}

#: Settings of one that goes on until it is stopped.
LONG: Mapping[str, Any] = {**QUICK, "iterations": 2000}


class Server:
    """``lightstyle serve``; it can be killed and started again with the same folder."""

    def __init__(self, data: Path, model: Path, *options: object) -> None:
        self.data, self._model, self._options = data, model, options
        self._errors = data.with_suffix(".log")
        self.client = httpx.Client()

    def start(self) -> Self:
        with self._errors.open("a") as errors:
            before = errors.tell()
            self.process = start(
                *("serve", "--port", 0, "--data", self.data, "--model", self._model),
                *("--threads", 1, *self._options),
                stderr=errors,
            )
        wait_for(
            lambda: self.process.poll() is not None or "http://" in self.said(before)
        )
        said = self.said(before)
        assert "http://" in said, self.said()
        url = said.partition("serving on ")[2].partition(" with")[0]
        self.client.close()
        self.client = httpx.Client(base_url=url, timeout=30)
        return self

    def said(self, after: int = 0) -> str:
        """What is on its stderr, after so many bytes."""
        return self._errors.read_text()[after:]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.client.close()

    def stop(self) -> int:
        """Tell it to stop, and return its exit code."""
        self.process.terminate()
        code = self.process.wait(40)
        self.client.close()
        return code

    def children(self) -> list[psutil.Process]:
        """The processes that paint."""
        return painting(self.process.pid)

    def submit(self, settings: Mapping[str, Any], **parts: Any) -> str:
        """Queue a job and return its name."""
        answer = self.client.post("/v1/jobs", **form(settings, **parts))
        assert answer.status_code == 202, answer.text
        name: str = answer.json()["id"]
        return name

    def status(self, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/jobs/{id_}").json()
        return found

    def state(self, id_: str) -> str:
        return str(self.status(id_)["state"])

    def until(self, id_: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of the states, and return its status."""
        wait_for(lambda: self.state(id_) in states)
        return self.status(id_)

    def evaluations(self, id_: str) -> int:
        progress = self.status(id_)["progress"]
        return progress["evaluation"] if progress else 0

    def streams(self) -> int:
        """Number of open event streams."""
        metrics = self.client.get("/metrics").text
        found = re.search(r"^lightstyle_streams (\d+)$", metrics, re.M)
        assert found, metrics
        return int(found[1])


@contextmanager
def serving(data: Path, model: Path, *options: object) -> Iterator[Server]:
    server = Server(data, model, *options).start()
    try:
        yield server
    finally:
        server.kill()


def form(
    settings: Mapping[str, Any],
    pictures: tuple[str, ...] = ("content", "style"),
    **parameters: Any,
) -> dict[str, Any]:
    """A request of the pictures in the current folder, as httpx takes it."""
    params = json.dumps({"settings": dict(settings), **parameters})
    files: list[Any] = [("params", (None, params))]
    for role in pictures:
        files.append((role, (f"{role}.png", Path(f"{role}.png").read_bytes())))
    return {"files": files}


def events(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: number, kind and values."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if "id" in lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found
