"""The queue without a database: its order, its end, and a fault of ours."""

from threading import Event, Semaphore

import pytest

from lightstyle.service.foreman import ClosingError
from lightstyle.service.journal import State
from lightstyle.service.queue import JournalQueue
from lightstyle.service.store import Job
from tests.support.processes import wait_for
from tests.support.service import App
from tests.support.serving import QUICK, form


def _jobs(app: App, count: int) -> list[Job]:
    ids = [app.post(form(QUICK)).json()["id"] for _ in range(count)]
    found = [app.service.store.get(id_) for id_ in ids]
    return [job for job in found if job is not None]


def test_jobs_are_performed_in_the_order_in_which_they_came(app: App) -> None:
    jobs, seen, go = _jobs(app, 5), list[str](), Semaphore(0)

    def perform(id_: str) -> None:
        go.acquire()
        seen.append(id_)

    queue = JournalQueue(perform, 0)  # one thread, which makes ready
    queue.put(jobs[0])
    queue.resume([*reversed(jobs[1:])])
    go.release(5)
    wait_for(lambda: len(seen) == 5)
    queue.close()
    assert seen == [job.spec.id for job in jobs]


def test_a_closed_queue_leaves_what_waits(app: App) -> None:
    jobs, begun, closing = _jobs(app, 3), list[str](), Event()

    def perform(id_: str) -> None:
        begun.append(id_)
        closing.wait()
        raise ClosingError

    queue = JournalQueue(perform, 1)
    queue.resume(jobs)
    wait_for(lambda: len(begun) == 2)
    closing.set()
    queue.close()
    assert begun == [job.spec.id for job in jobs[:2]]


def test_a_job_that_meets_a_fault_of_ours_fails_and_is_done_with(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = _jobs(app, 1)

    def fails(*given: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(type(job.folder), "task", fails)
    app.service.foreman.perform(job.spec.id)
    assert job.look().state is State.FAILED
    assert job.status.outcome["code"] == "internal"
    assert "ours" not in job.status.outcome["reason"]
    assert any("ours" in line for line in app.said)
