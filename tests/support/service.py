"""The application without a server, a database and workers: its rules alone."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import httpx

from lightstyle.jobs.executor import Executor
from lightstyle.jobs.task import Task, TaskOutcome
from lightstyle.service.app import build
from lightstyle.service.foreman import Foreman
from lightstyle.service.guard import Guard, Tokens
from lightstyle.service.intake import Intake
from lightstyle.service.limits import Limits
from lightstyle.service.parameters import Rules, named_presets
from lightstyle.service.queue import Queue
from lightstyle.service.service import Service
from lightstyle.service.store import Job, Store
from lightstyle.service.stream import Streams


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check that a request was refused, and return why."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert "Traceback" not in answer.text
    return problem


class Idle(Executor):
    """Never begins anything."""

    def submit(self, task: Task) -> Future[TaskOutcome]:
        return Future()

    def cancel(self, future: Future[TaskOutcome], patience: float = 0) -> None:
        future.cancel()

    def shutdown(self) -> None:
        """Do nothing."""


class Asked:
    """A queue that remembers what was put into it."""

    def __init__(self) -> None:
        self.put_in: list[str] = []

    def put(self, job: Job) -> None:
        self.put_in.append(job.spec.id)


class Client:
    """Calls the application as a program on this machine calls a server."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8765"
        )
        self._runner = asyncio.Runner()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


class App:
    """The application, with a client of it.

    Attributes:
        client: Sends requests as a program on this machine does.
        service: What the routes work with.
        queue: What was queued.
        said: What the operator was told.
    """

    def __init__(
        self,
        data: Path,
        limits: Limits | None = None,
        *,
        host: str = "127.0.0.1",
        names: tuple[str, ...] = (),
        tokens: tuple[str, ...] = (),
    ) -> None:
        limits = limits or Limits()
        self.said: list[str] = []
        self.queue = Asked()
        queue = cast("Queue", self.queue)
        store = Store(data, limits)
        rules = Rules(limits, named_presets(None), ("tiny", "vgg19-lite"))
        self.service = Service(
            store=store,
            queue=queue,
            foreman=Foreman(store, Idle(), limits, self.said.append),
            intake=Intake(store, queue, rules),
            rules=rules,
            streams=Streams(limits),
            tokens=Tokens(tokens),
        )
        app = Guard(build(self.service), host, names, self.service.tokens, limits.body)
        self.client = Client(app)

    def post(self, form: Mapping[str, Any], **headers: str) -> Any:
        """Ask for a job."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/jobs", headers=given, **form)

    def close(self) -> None:
        self.client.close()
        self.service.store.close()
