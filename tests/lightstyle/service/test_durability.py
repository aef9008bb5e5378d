"""Nothing is lost, whoever is killed, and nothing is done twice."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import wait_for
from tests.support.serving import LONG, QUICK, Server, events, serving


@pytest.fixture
def server(tmp_path: Path, folder: Path, tiny_model: Path) -> Iterator[Server]:
    """A server of its own, with the pictures of the current folder."""
    with serving(tmp_path / "data", tiny_model) as found:
        yield found


def _told(server: Server, id_: str) -> list[tuple[int, str, dict[str, object]]]:
    return events(server.client.get(f"/v1/jobs/{id_}/events").text)


def test_told_to_stop_it_sends_jobs_back_to_the_queue_and_goes_on_later(
    server: Server,
) -> None:
    running, waiting = server.submit({**LONG, "iterations": 500}), server.submit(QUICK)
    wait_for(lambda: server.evaluations(running) > 10)
    with server.client.stream("GET", f"/v1/jobs/{running}/events") as stream:
        assert server.process.poll() is None
        server.process.terminate()
        text = "".join(stream.iter_text())
    assert "event: server-closing" in text
    assert server.process.wait(40) == 143
    last = max(number for number, _, _ in events(text))
    server.start()
    assert server.until(running, "done", "failed")["state"] == "done"
    assert server.until(waiting, "done", "failed")["state"] == "done"
    rest = server.client.get(
        f"/v1/jobs/{running}/events", headers={"Last-Event-ID": str(last)}
    )
    seen = [
        values["evaluation"]
        for _, kind, values in events(text) + events(rest.text)
        if kind == "progress"
    ]
    assert seen == [*range(1, 501)]  # none twice: it went on from its checkpoint


def test_killed_it_has_every_job_again_and_the_streams_go_on(server: Server) -> None:
    ids = [server.submit({**LONG, "iterations": 300})]
    ids += [server.submit(QUICK) for _ in range(3)]
    wait_for(lambda: server.evaluations(ids[0]) > 20)
    before = _known(server, ids[0])
    server.kill()
    server.start()
    for id_ in ids:
        assert server.until(id_, "done", "failed")["state"] == "done"
    after = _told(server, ids[0])
    assert after[: len(before)] == before
    assert server.status(ids[0])["attempt"] == 2
    assert [server.status(id_)["attempt"] for id_ in ids[1:]] == [1, 1, 1]
    _check_tidy(server, ids)


def _known(server: Server, id_: str) -> list[tuple[int, str, dict[str, object]]]:
    """The events of a running job so far."""
    text = ""
    with server.client.stream("GET", f"/v1/jobs/{id_}/events") as stream:
        for part in stream.iter_text():
            text += part
            if text.count("event: progress") > 5:
                break
    return events(text.rpartition("\n\n")[0])


def _check_tidy(server: Server, ids: list[str]) -> None:
    for id_ in ids:
        left = {path.name for path in (server.data / "jobs" / id_).iterdir()}
        assert left == {
            *("content-0.png", "style-0.png", "job.json", "events.jsonl"),
            *("preview.jpg", "result.png"),
        }
    assert list((server.data / "incoming").iterdir()) == []


def test_a_job_whose_process_always_dies_fails_and_blocks_nobody(
    server: Server,
) -> None:
    poison, other = server.submit(LONG), server.submit(QUICK)

    def attempts() -> int:
        return int(server.status(poison)["attempt"])

    wait_for(lambda: server.evaluations(poison) > 0)
    journal = server.data / "jobs" / poison / "events.jsonl"
    for attempt in (1, 2, 3):  # none comes further than the one before
        wait_for(lambda: attempts() == attempt and server.children())  # noqa: B023
        with journal.open("a") as file:
            file.write('{"event": "progress", "evaluation": 1999, "at": 0}\n')
        (child,) = server.children()
        child.send_signal(signal.SIGKILL)
    status = server.until(poison, "failed")
    assert status["outcome"]["code"] == "worker_crashed"
    assert status["outcome"]["exit"] == -9
    assert "smaller size" in status["outcome"]["reason"]
    assert server.until(other, "done", "failed")["state"] == "done"


def test_a_job_over_which_the_server_dies_again_and_again_fails(
    server: Server,
) -> None:
    poison = server.submit(LONG)
    journal = server.data / "jobs" / poison / "events.jsonl"
    for attempt in range(1, 6):
        wait_for(lambda: server.status(poison)["attempt"] == attempt)  # noqa: B023
        with journal.open("a") as file:
            file.write('{"event": "progress", "evaluation": 1999, "at": 0}\n')
        server.kill()
        server.start()
    assert server.until(poison, "failed")["outcome"]["code"] == "worker_crashed"


def test_a_job_that_takes_too_long_fails_with_the_picture_so_far(
    tmp_path: Path, folder: Path, tiny_model: Path
) -> None:
    with serving(tmp_path / "data", tiny_model, "--max-minutes", 10) as server:
        id_ = server.submit(LONG)
        wait_for(lambda: server.evaluations(id_) > 3)
        server.stop()
        with (server.data / "jobs" / id_ / "events.jsonl").open("a") as file:
            # It has run for another 599 seconds, and one is left.
            for state, at in (("running", 0), ("queued", 599)):
                file.write(f'{{"event": "state", "state": "{state}", "at": {at}}}\n')
        server.start()
        status = server.until(id_, "failed", "done")
        assert status["outcome"]["code"] == "timeout"
        assert server.client.get(f"/v1/jobs/{id_}/result").status_code == 200


@pytest.mark.parametrize("whom", ["child", "server"])
@pytest.mark.slow
def test_jobs_survive_kills_at_any_moment(server: Server, whom: str) -> None:
    ids = _through_kills(server, whom)
    _check_tidy(server, ids)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("initdb") is None, reason="no PostgreSQL here")
def test_jobs_survive_kills_with_postgresql(
    tmp_path: Path, folder: Path, tiny_model: Path, postgresql: str
) -> None:
    options = ("--database", postgresql)
    with serving(tmp_path / "data", tiny_model, *options) as server:
        _through_kills(server, "server", kills=5)


def _through_kills(server: Server, whom: str, kills: int = 20) -> list[str]:
    """Kill at moments of every kind, and compare what becomes of the jobs."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    settings = {**LONG, "iterations": 150}
    undisturbed = server.until(server.submit(settings), "done")["outcome"]["loss"]
    ids: list[str] = []
    for kill in range(kills):
        while len(active := [i for i in ids if server.state(i) != "done"]) < 3:
            ids.append(server.submit(settings))
        moment = ("queued", "running", "ending", "done")[kill % 4]
        if moment == "running":
            last = chance.randrange(1, 150)
            wait_for(lambda: server.evaluations(active[0]) >= last)  # noqa: B023
        elif moment == "ending":  # the result is written then, or was just now
            wait_for(lambda: server.evaluations(active[0]) == 150)
        elif moment == "done":
            server.until(active[0], "done")
        if whom == "server":
            server.kill()
            server.start()
        else:
            for child in server.children():
                child.send_signal(signal.SIGKILL)
    for id_ in ids:
        status = server.until(id_, "done", "failed", "cancelled")
        assert status["state"] == "done", status
        assert status["outcome"]["loss"] == pytest.approx(undisturbed, rel=0.01)
        told = _told(server, id_)
        states = [values["state"] for _, kind, values in told if kind == "state"]
        assert states.count("done") == 1
        numbers = [number for number, _, _ in told]
        assert numbers == sorted(set(numbers))
    return ids


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    """The URL of a database server of its own, on a socket in a folder."""
    base = tmp_path / "pg"
    account: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
        account = {"user": "nobody"}
        for parent in (tmp_path, *tmp_path.parents[:-2]):
            parent.chmod(parent.stat().st_mode | 0o011)
        base.mkdir()
        shutil.chown(base, "nobody")
    run = {"check": True, "capture_output": True, **account}
    subprocess.run(["initdb", "-D", base / "data", "-U", "test", "-A", "trust"], **run)  # type: ignore[call-overload]
    options = f"-k {base} -c listen_addresses=''"
    start = ["pg_ctl", "-D", base / "data", "-w", "-l", base / "log", "-o", options]
    subprocess.run([*start, "start"], **run)  # type: ignore[call-overload]
    yield f"postgresql://test@/postgres?host={base}"
    subprocess.run([*start, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]
