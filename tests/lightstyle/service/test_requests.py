"""A request is taken, or refused with a code and a reason."""

import asyncio
import io
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightstyle.service.limits import Limits
from lightstyle.service.store import Job
from tests.lightstyle.service.conftest import Apps
from tests.support.service import App, refused
from tests.support.serving import QUICK, form


def _png(width: int, height: int) -> bytes:
    """The smallest file that has so many pixels, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    chunks = [
        chunk(b"IHDR", sides + bytes([1, 0, 0, 0, 0])),
        chunk(b"IDAT", zlib.compress(bytes(16))),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_job_is_queued_with_its_place_in_line(app: App) -> None:
    for place in (1, 2):
        answer = app.post(form(QUICK))
        assert answer.status_code == 202
        assert answer.json()["position"] == place
        assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    ids = app.queue.put_in
    assert [j["id"] for j in app.client.get("/v1/jobs").json()["jobs"]] == ids[::-1]


def test_a_list_is_read_page_by_page(app: App) -> None:
    ids = [app.post(form(QUICK)).json()["id"] for _ in range(5)]
    seen, before = [], None
    while True:
        query = {"limit": 2} if before is None else {"limit": 2, "before": before}
        page = app.client.get("/v1/jobs", params=query).json()
        seen += [job["id"] for job in page["jobs"]]
        if (before := page["next"]) is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 415, "format"),
        (b"no picture", 415, "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "format"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", 415, "format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "format"),
        (_png(60_000, 40_000), 422, "pixels"),
        (_png(9_000, 9_000), 422, "pixels"),
        (_png(16_385, 100), 422, "pixels"),
        (bytes(25_000_000), 413, "too_large"),
    ],
    ids=["empty", "text", "svg", "gif", "eps", "bomb", "large", "long", "file"],
)
def test_a_file_that_cannot_be_taken_is_refused_by_its_head(
    app: App, data: bytes, status: int, code: str
) -> None:
    Path("content.png").write_bytes(data)
    refused(app.post(form(QUICK)), status, code)
    assert app.queue.put_in == []
    assert [*app.service.store.incoming.iterdir()] == []


@pytest.mark.parametrize("sides", [(16_384, 100), (16_000, 1)])
def test_the_longest_pictures_within_the_limits_are_taken(
    app: App, sides: tuple[int, int]
) -> None:
    Path("content.png").write_bytes(_png(*sides))
    assert app.post(form(QUICK)).status_code == 202


def test_a_format_that_is_not_taken_is_refused(app: App) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "TIFF")
    Path("content.png").write_bytes(buffer.getvalue())
    refused(app.post(form(QUICK)), 415, "format")


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\windows\\system.ini",
        "/etc/passwd",
        "C:\\boot.ini",
        "a\0b.png",
        "x" * 255,
        "na\udcffme.png".encode("utf-8", "surrogateescape").decode("latin-1"),
        "content.png\r\nX-Evil: 1",
        "",
        ".",
        "con",
    ],
)
def test_names_of_files_never_become_paths(app: App, name: str) -> None:
    body = form(QUICK)
    files = [
        (role, (name or " ", part[1])) if role != "params" else (role, part)
        for role, part in body["files"]
    ]
    answer = app.post({"files": files})
    assert answer.status_code == 202, answer.text
    for id_ in app.queue.put_in:
        folder = app.service.store.path / "jobs" / id_
        assert {path.name for path in folder.iterdir()} == {
            *("content-0.png", "style-0.png", "job.json", "events.jsonl")
        }


def test_fields_that_nobody_knows_are_refused(app: App) -> None:
    body = form(QUICK)
    for text in (("url", (None, "http://127.0.0.1/")), ("params", (None, "{}"))):
        answer = app.post({"files": [*body["files"], text]})
        refused(answer, 400, "malformed")
    answer = app.post({"files": [*body["files"], ("model", ("m.onnx", b"x"))]})
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "model"


def test_too_many_files_and_too_long_texts_are_refused(app: App) -> None:
    many = [("style", ("s.png", b"x"))] * 30
    refused(app.post({"files": many}), 400, "malformed")
    long = [("params", (None, " " * 70_000))]
    refused(app.post({"files": long}), 400, "malformed")


def test_a_body_that_is_no_form_is_refused(app: App) -> None:
    refused(app.client.post("/v1/jobs", json={}), 400, "malformed")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_is_refused_while_it_is_read(
    folder: Path, apps: Apps, chunked: bool
) -> None:
    app = apps(limits=Limits(body=100_000))
    head = b'--B\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n'
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield head + b"\r\n"
        for sent in range(1000):  # noqa: B007 - the test looks how far it came
            yield bytes(10_000)

    content: Any = body() if chunked else head + bytes(200_000)
    answer = app.client.post(
        "/v1/jobs",
        content=content,
        headers={"content-type": "multipart/form-data; boundary=B"},
    )
    refused(answer, 413, "too_large")
    assert sent < 20


def test_a_body_that_comes_too_slowly_is_given_up(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(upload=0.1))

    async def body() -> AsyncIterator[bytes]:
        yield b'--B\r\nContent-Disposition: form-data; name="params"\r\n\r\n'
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    answer = app.client.post(
        "/v1/jobs",
        content=body(),
        headers={"content-type": "multipart/form-data; boundary=B"},
    )
    refused(answer, 408, "timeout")


def test_the_same_key_gives_the_same_job(app: App) -> None:
    answers = [app.post(form(QUICK), idempotency_key="one") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(app.queue.put_in) == 1
    other = app.post(form({**QUICK, "seed": 1}), idempotency_key="one")
    refused(other, 422, "key_reused")
    assert (
        app.post(form(QUICK), idempotency_key="two").json()["id"]
        != (answers[0].json()["id"])
    )
    refused(app.post(form(QUICK), idempotency_key="x" * 201), 400, "malformed")


def test_without_the_queue_nothing_changes(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = app.post(form(QUICK)).json()["id"]
    app.client.post(f"/v1/jobs/{id_}/cancel")

    def put(job: Job) -> None:
        raise RuntimeError("no connection")

    monkeypatch.setattr(app.queue, "put", put)
    for answer in (app.post(form(QUICK)), app.client.post(f"/v1/jobs/{id_}/retry")):
        refused(answer, 503, "storage")
    (job,) = app.client.get("/v1/jobs").json()["jobs"]
    assert (job["id"], job["state"]) == (id_, "cancelled")


@pytest.mark.parametrize(
    "path", ["", "/events", "/preview", "/result", "/pictures/content/0"]
)
@pytest.mark.parametrize("id_", ["nothing", "..", "%2e%2e%2f", "a" * 300])
def test_what_is_unknown_is_not_found(app: App, id_: str, path: str) -> None:
    answer = app.client.get(f"/v1/jobs/{id_}{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_picture_that_is_not_there_yet_is_told_with_the_state(app: App) -> None:
    id_ = app.post(form(QUICK)).json()["id"]
    for kind in ("preview", "result"):
        problem = refused(app.client.get(f"/v1/jobs/{id_}/{kind}"), 409, "state")
        assert problem["state"] == "queued"
    sent = app.client.get(f"/v1/jobs/{id_}/pictures/content/0")
    assert sent.content == Path("content.png").read_bytes()
    refused(app.client.get(f"/v1/jobs/{id_}/pictures/content/1"), 404, "not_found")
