"""The data folder: whose it is, what it holds, and for how long."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightstyle.errors import OutputError, UsageError
from lightstyle.service.journal import State
from lightstyle.service.limits import Limits
from lightstyle.service.store import Job, Store
from tests.lightstyle.service.conftest import Apps
from tests.support.service import App
from tests.support.serving import QUICK, form

LIMITS = Limits()


def _ended(app: App, state: State = State.DONE) -> Job:
    """A job that has ended, as its journal says."""
    id_ = app.post(form(QUICK)).json()["id"]
    job = app.service.store.get(id_)
    assert job is not None
    job.folder.result.write_bytes(bytes(100_000))
    job.change(state, picture=True)
    return job


def test_a_folder_belongs_to_one_server_at_a_time(tmp_path: Path) -> None:
    first = Store(tmp_path / "data", LIMITS)
    with pytest.raises(OutputError, match="another server uses this folder"):
        Store(tmp_path / "data", LIMITS)
    first.close()
    again = Store(tmp_path / "data", LIMITS)
    assert again.server == first.server
    again.close()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="not empty and none of a server"):
        Store(tmp_path, LIMITS)
    assert (tmp_path / "photo.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about: {**about, "schema": 99}, "laid out as version"),
        (lambda about: {"schema": 1}, "cannot be used"),
        (lambda about: [], "cannot be used"),
    ],
)
def test_a_folder_of_another_layout_is_refused(
    tmp_path: Path, change: Callable[[dict[str, object]], object], words: str
) -> None:
    Store(tmp_path / "data", LIMITS).close()
    about = tmp_path / "data" / "lightstyle-data.json"
    about.write_text(json.dumps(change(json.loads(about.read_text()))))
    with pytest.raises(UsageError, match=words):
        Store(tmp_path / "data", LIMITS)


def test_a_job_that_cannot_be_read_stays_and_hides_no_other(app: App) -> None:
    kept, broken = _ended(app), _ended(app)
    (broken.folder.path / "job.json").write_text("{")
    store = app.service.store
    store.close()
    again = Store(store.path, LIMITS)
    assert [job.spec.id for job in again.jobs()] == [kept.spec.id]
    assert broken.folder.path.exists()
    again.close()


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "progress", "at": 1}',
        '{"event": "progress", "at": 1, "evaluation": "many"}',
        '{"event": "preview", "at": 1}',
        '{"event": "state", "at": 1}',
        '{"event": "state", "state": "running"}',
        '{"event": "state", "at": 1, "state": ["running"]}',
        '{"event": "state", "at": 1, "state": "asleep"}',
        '{"event": ["state"]}',
        "\0\0\0\0",
    ],
)
def test_a_damaged_event_counts_as_none(app: App, line: str) -> None:
    job = _ended(app)
    status = job.look()
    with job.folder.journal.path.open("a") as file:
        file.write(f"{line}\n")
    store = app.service.store
    store.close()
    again = Store(store.path, LIMITS)
    (found,) = again.jobs()
    assert found.status == replace(status, offset=status.offset)
    told = [event["event"] for _, event in found.folder.journal.after(0)]
    assert told == ["state", "state"]
    again.close()


def test_what_has_ended_expires_and_is_then_forgotten(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(retention=-1.0, tombstone=1000.0))
    done, waiting = _ended(app), app.post(form(QUICK)).json()["id"]
    app.service.store.sweep()
    url = f"/v1/jobs/{done.spec.id}"
    for path in ("", "/result", "/preview", "/events"):
        answer = app.client.get(url + path)
        assert (answer.status_code, answer.json()["code"]) == (410, "expired")
    assert not done.folder.result.exists()
    assert app.client.get(f"/v1/jobs/{waiting}").json()["state"] == "queued"
    assert app.client.delete(url).status_code == 204


def test_a_job_that_is_retried_before_it_expires_goes_on(
    folder: Path, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = apps(limits=Limits(retention=-1.0))
    job = _ended(app, State.FAILED)
    retry = app.service.foreman.retry
    _meanwhile(monkeypatch, lambda: retry(job))
    app.service.store.sweep()
    assert job.look().state is State.QUEUED
    assert job.folder.result.exists()


def test_a_job_that_is_erased_before_it_expires_is_gone(
    folder: Path, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = apps(limits=Limits(retention=-1.0))
    job, store = _ended(app), app.service.store
    _meanwhile(monkeypatch, lambda: store.erase(job))
    store.sweep()
    assert not job.folder.path.exists()


def _meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen between the look at a job and its expiry."""
    expire = Store._expire

    def late(self: Store, job: Job) -> bool:
        act()
        return expire(self, job)

    monkeypatch.setattr(Store, "_expire", late)


def test_tombstones_go_as_well(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(retention=-1.0, tombstone=-1.0))
    done = _ended(app)
    app.service.store.sweep()
    app.service.store.sweep()
    assert app.client.get(f"/v1/jobs/{done.spec.id}").status_code == 404
    assert not done.folder.path.exists()


def test_the_oldest_that_ended_make_room(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(disk=350_000, body=150_000))
    jobs = [_ended(app) for _ in range(4)]
    assert app.post(form(QUICK)).status_code == 202
    states = [job.look().state for job in jobs]
    assert states[0] is State.EXPIRED
    assert states[-1] is State.DONE
    assert states == sorted(states, key=lambda state: state is State.DONE)


def test_without_room_a_job_is_refused(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(disk=1000, body=100_000))
    answer = app.post(form(QUICK))
    assert (answer.status_code, answer.json()["code"]) == (507, "quota")
    assert "retry-after" in answer.headers


def test_a_disk_that_fails_while_room_is_made_is_told(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(store: Store, wanted: int) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Store, "make_room", fails)
    answer = app.post(form(QUICK))
    assert (answer.status_code, answer.json()["code"]) == (503, "storage")


def test_a_full_disk_is_told(folder: Path, apps: Apps) -> None:
    app = apps(limits=Limits(spare=10**18))
    answer = app.post(form(QUICK))
    assert (answer.status_code, answer.json()["code"]) == (503, "storage")
    assert app.client.get("/readyz").json()["code"] == "storage"
    assert app.client.get("/healthz").status_code == 200


def test_the_queue_and_each_client_have_a_limit(folder: Path, apps: Apps) -> None:
    tokens = tuple(f"token-of-client-{n}" for n in range(3))
    app = apps(limits=Limits(queue=5, queue_each=3), tokens=tokens)
    codes = []
    for token, count in zip(tokens, (4, 2, 1), strict=True):
        for _ in range(count):
            answer = app.post(form(QUICK), authorization=f"Bearer {token}")
            codes.append(answer.json().get("code"))
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) > 0
    assert codes == [None, None, None, "client_full", None, None, "queue_full"]


def test_a_server_that_stops_takes_no_jobs(app: App) -> None:
    app.service.close()
    answer = app.post(form(QUICK))
    assert (answer.status_code, answer.json()["code"]) == (503, "closing")
    assert app.client.get("/readyz").json()["code"] == "closing"
    assert "retry-after" in answer.headers
