"""A server as clients meet it, with jobs that are really painted."""

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lightstyle.records.record import Record
from tests.support import documents
from tests.support.processes import ROOT, run_script, wait_for
from tests.support.serving import LONG, QUICK, Server, events, serving


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[Server]:
    """A server that the tests of this file share; none stops it."""
    with serving(tmp_path_factory.mktemp("served") / "data", tiny_model) as found:
        yield found


@pytest.mark.usefixtures("folder")
def test_a_job_is_painted_streamed_and_fetched(server: Server) -> None:
    id_ = server.submit(QUICK, name="a first one")
    stream = server.client.get(f"/v1/jobs/{id_}/events")
    told = events(stream.text)
    assert [number for number, _, _ in told] == sorted({n for n, _, _ in told})
    states = [values["state"] for _, kind, values in told if kind == "state"]
    assert states == ["queued", "running", "done"]
    seen = [values["evaluation"] for _, kind, values in told if kind == "progress"]
    assert seen == [1, 2, 3]
    status = server.status(id_)
    assert (status["state"], status["position"]) == ("done", None)
    assert status["params"]["name"] == "a first one"
    result = server.client.get(f"/v1/jobs/{id_}/result")
    assert result.headers["content-type"] == "image/png"
    Path("fetched.png").write_bytes(result.content)
    record = Record.read("fetched.png")
    assert record.evaluations == 3
    assert record.settings.size == QUICK["size"]
    preview = server.client.get(f"/v1/jobs/{id_}/preview")
    assert preview.content.startswith(b"\xff\xd8")


@pytest.mark.usefixtures("folder")
def test_a_stream_goes_on_after_the_last_event(server: Server) -> None:
    id_ = server.submit(QUICK)
    server.until(id_, "done")
    url = f"/v1/jobs/{id_}/events"
    told = events(server.client.get(url).text)
    for number in (told[2][0], told[-2][0]):
        rest = server.client.get(url, headers={"Last-Event-ID": str(number)})
        assert events(rest.text) == [each for each in told if each[0] > number]
    over = server.client.get(url, headers={"Last-Event-ID": str(told[-1][0])})
    assert over.status_code == 204


@pytest.mark.usefixtures("folder")
def test_a_picture_is_sent_in_parts_and_only_if_it_is_new(server: Server) -> None:
    id_ = server.submit(QUICK, format="webp")
    server.until(id_, "done")
    url = f"/v1/jobs/{id_}/result"
    whole = server.client.get(url)
    assert whole.headers["content-type"] == "image/webp"
    part = server.client.get(url, headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, whole.content[4:12])
    bare = server.client.get(url, params={"metadata": False})
    assert bare.headers["etag"] != whole.headers["etag"]
    for answer in (whole, bare):
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="lightstyle-{id_}.webp"'
        )
        known = {"If-None-Match": answer.headers["etag"]}
        same = server.client.get(answer.url, headers=known)
        assert (same.status_code, same.content) == (304, b"")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("pictures", "more"),
    [
        (("style",), {"job": "texture", "size": [40, 32]}),
        (("content",), {"job": "reconstruct"}),
        (("content", "style", "style"), {}),
        (("content", "style", "protect"), {}),
    ],
)
def test_every_job_and_pictures_of_settings_are_taken(
    server: Server, pictures: tuple[str, ...], more: dict[str, object]
) -> None:
    if "protect" in pictures:
        from PIL import Image

        mask = Image.new("L", (60, 40))
        mask.paste(255, (0, 0, 30, 40))
        mask.save("protect.png")
    id_ = server.submit({"size": 48, "iterations": 2}, pictures=pictures, **more)
    status = server.until(id_, "done", "failed")
    assert status["state"] == "done", status


@pytest.mark.usefixtures("folder")
def test_a_cancelled_job_keeps_its_best_picture_and_frees_the_worker(
    server: Server,
) -> None:
    id_ = server.submit(LONG)
    wait_for(lambda: server.evaluations(id_) > 3)
    answer = server.client.post(f"/v1/jobs/{id_}/cancel")
    assert answer.status_code == 202
    assert answer.json()["state"] in ("cancelling", "cancelled")
    status = server.until(id_, "cancelled")
    assert status["outcome"]["picture"]
    Path("best.png").write_bytes(server.client.get(f"/v1/jobs/{id_}/result").content)
    assert 3 < Record.read("best.png").evaluations < 2000
    assert server.client.post(f"/v1/jobs/{id_}/cancel").status_code == 409
    server.until(server.submit(QUICK), "done")


@pytest.mark.usefixtures("folder")
def test_a_job_that_waits_is_cancelled_at_once_and_retried_later(
    server: Server,
) -> None:
    running, waiting = server.submit(LONG), server.submit(QUICK)
    assert server.status(waiting)["position"] in (1, 2)
    assert server.client.post(f"/v1/jobs/{waiting}/cancel").json()["state"] == (
        "cancelled"
    )
    assert server.client.get(f"/v1/jobs/{waiting}/result").status_code == 409
    server.client.post(f"/v1/jobs/{running}/cancel")
    server.until(running, "cancelled")
    assert server.client.post(f"/v1/jobs/{waiting}/retry").status_code == 202
    server.until(waiting, "done")
    assert server.client.post(f"/v1/jobs/{waiting}/retry").status_code == 409


@pytest.mark.usefixtures("folder")
def test_a_retried_job_goes_on_where_it_was_cancelled(server: Server) -> None:
    id_ = server.submit({**LONG, "iterations": 400})
    wait_for(lambda: server.evaluations(id_) > 20)
    server.client.post(f"/v1/jobs/{id_}/cancel")
    server.until(id_, "cancelled")
    before = server.evaluations(id_)
    best = server.client.get(f"/v1/jobs/{id_}/result")
    server.client.post(f"/v1/jobs/{id_}/retry")
    server.until(id_, "done")
    known = {"If-None-Match": best.headers["etag"]}  # as a browser asks that has it
    result = server.client.get(f"/v1/jobs/{id_}/result", headers=known)
    assert (result.status_code, best.headers["cache-control"]) == (
        200,
        "private, no-cache",
    )
    told = events(server.client.get(f"/v1/jobs/{id_}/events").text)
    seen = [values["evaluation"] for _, kind, values in told if kind == "progress"]
    assert seen == [*range(1, before + 1), *range(before + 1, 401)]


@pytest.mark.usefixtures("folder")
def test_a_deleted_job_is_gone_with_its_files(server: Server) -> None:
    running = server.submit(LONG)
    wait_for(lambda: server.evaluations(running) > 0)
    assert server.client.delete(f"/v1/jobs/{running}").status_code == 202
    assert server.client.get(f"/v1/jobs/{running}").status_code == 404
    wait_for(lambda: not (server.data / "jobs" / running).exists())
    done = server.submit(QUICK)
    server.until(done, "done")
    assert server.client.delete(f"/v1/jobs/{done}").status_code == 204
    assert not (server.data / "jobs" / done).exists()


@pytest.mark.usefixtures("folder")
def test_another_job_takes_the_pictures_of_an_earlier_one_and_goes_on(
    server: Server,
) -> None:
    first = server.submit(QUICK)
    server.until(first, "done")
    second = server.submit(QUICK, pictures=(), again=first, go_on=True)
    assert server.until(second, "done", "failed")["state"] == "done"
    begun = []
    for id_ in (first, second):
        told = events(server.client.get(f"/v1/jobs/{id_}/events").text)
        begun.append(next(v["loss"] for _, kind, v in told if kind == "progress"))
    assert begun[1] < begun[0] / 2


@pytest.mark.usefixtures("folder")
def test_a_picture_that_cannot_be_decoded_fails_without_a_path(server: Server) -> None:
    data = Path("content.png").read_bytes()
    Path("content.png").write_bytes(data[:700] + bytes(200) + data[900:])
    status = server.until(server.submit(QUICK), "failed", "done")
    assert status["outcome"]["code"] == "picture"
    assert str(server.data) not in str(status)


@pytest.mark.usefixtures("folder")
def test_a_child_that_is_killed_costs_an_attempt_and_nothing_else(
    server: Server,
) -> None:
    id_ = server.submit({**LONG, "iterations": 300})
    wait_for(lambda: server.evaluations(id_) > 10)
    (child,) = server.children()
    child.send_signal(signal.SIGKILL)
    status = server.until(id_, "done", "failed")
    assert (status["state"], status["attempt"]) == ("done", 2)


def test_settings_and_limits_come_from_their_tables(server: Server) -> None:
    found = server.client.get("/v1/settings").json()
    size = found["settings"]["properties"]["size"]
    assert (size["default"], size["maximum"], size["type"]) == (512, 1024, "integer")
    assert "gatys" in found["presets"]
    assert server.client.get("/v1/limits").json()["queue"] == 100


def test_the_page_and_signs_of_life_are_there(server: Server) -> None:
    page = server.client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "page/main.js" in page.text
    assert server.client.get("/healthz").text == "ok\n"
    assert server.client.get("/readyz").text == "ok\n"
    assert "lightstyle_jobs{" in server.client.get("/metrics").text


def test_the_document_is_openapi_and_lists_every_route(server: Server) -> None:
    found = server.client.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert {path: {*methods} for path, methods in found["paths"].items()} == {
        "/v1/jobs": {"get", "post"},
        "/v1/jobs/{id}": {"get", "delete"},
        "/v1/jobs/{id}/events": {"get"},
        "/v1/jobs/{id}/preview": {"get"},
        "/v1/jobs/{id}/result": {"get"},
        "/v1/jobs/{id}/pictures/{role}/{number}": {"get"},
        "/v1/jobs/{id}/cancel": {"post"},
        "/v1/jobs/{id}/retry": {"post"},
        "/v1/session": {"post", "delete"},
        **{f"/v1/{each}": {"get"} for each in ("settings", "limits")},
        **{f"/{each}": {"get"} for each in ("healthz", "readyz", "metrics")},
    }


@pytest.mark.usefixtures("folder")
def test_connections_that_say_nothing_stop_nobody(server: Server) -> None:
    host, port = server.client.base_url.host, server.client.base_url.port or 0
    with ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(socket.create_connection((host, port)))
            if number % 2:
                connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        server.until(server.submit(QUICK), "done")


def test_a_stream_is_refused_where_too_many_are_open(
    server: Server, folder: Path
) -> None:
    id_ = server.submit(LONG)
    url = f"/v1/jobs/{id_}/events"
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(server.client.stream("GET", url))
        wait_for(lambda: server.streams() == 6)
        refused = server.client.get(url)
        assert (refused.status_code, refused.json()["code"]) == (429, "streams_full")
        assert "retry-after" in refused.headers
    wait_for(lambda: server.streams() == 0)
    server.client.delete(f"/v1/jobs/{id_}")


@pytest.mark.usefixtures("folder")
def test_the_client_of_the_guide_works(server: Server) -> None:
    page = ROOT / "lightstyle" / "guide" / "service.md"
    (block,) = documents.blocks(page, "python")
    for name, picture in (("photo", "content"), ("painting", "style")):
        Path(f"{picture}.png").rename(f"{name}.jpg")
    assert len(block.text.splitlines()) <= 14
    code = block.text.replace("http://127.0.0.1:8765", str(server.client.base_url))
    code = code.replace('"size": 384', '"size": 48, "iterations": 3')
    done = run_script(f"import os; os.chdir({str(Path.cwd())!r})\n{code}")
    assert done.returncode == 0, done.stderr
    assert '"state": "done"' in done.stdout
    assert Record.read("out.png").settings.strength == 0.7
