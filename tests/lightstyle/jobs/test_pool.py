import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightstyle import Settings
from lightstyle.errors import ExitCode, ModelError, UsageError
from lightstyle.jobs.batch import divided
from lightstyle.jobs.painter import JobOutcome, JobState, Task, Work
from lightstyle.jobs.pool import paint_all
from lightstyle.transfer import stylize as transfer
from tests.support.folders import draw
from tests.support.networks import break_evaluation

QUICK = Settings(size=32, iterations=2)


@pytest.fixture
def work(studio: Path) -> Work:
    return Work(styles=("style.png",), threads=1)


@pytest.fixture
def tasks(studio: Path) -> list[Task]:
    names = [draw(Path("in", f"{n}.png"), n, (32, 32)).name for n in range(3)]
    return [Task(Path("in", n), QUICK, Path("out", n)) for n in names]


def _never() -> bool:
    return False


def _states(outcomes: list[JobOutcome]) -> list[JobState]:
    return [outcome.state for outcome in outcomes]


@pytest.mark.parametrize(
    ("raised", "code", "reason"),
    [
        (MemoryError(), ExitCode.TRANSFER, "out of memory"),
        (ZeroDivisionError("odd\nthing"), ExitCode.BUG, "ZeroDivisionError: odd thing"),
        (ModelError("running failed"), ExitCode.MODEL, "running failed"),
    ],
)
def test_what_goes_wrong_with_a_picture_is_its_outcome(
    work: Work,
    tasks: list[Task],
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    code: ExitCode,
    reason: str,
) -> None:
    stylize = transfer.stylize

    def fails(content: Path, *others: Any, **more: Any) -> Any:
        if content == tasks[1].content:
            raise raised
        return stylize(content, *others, **more)

    monkeypatch.setattr(transfer, "stylize", fails)
    outcomes = [*paint_all(work, tasks, 1, _never)]
    assert _states(outcomes) == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert outcomes[1].code == code
    assert reason in outcomes[1].reason
    assert not tasks[1].output or not tasks[1].output.exists()


def test_a_loss_that_is_not_finite_is_a_failure_without_a_picture(
    work: Work, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 2)
    (outcome,) = paint_all(work, tasks[:1], 1, _never)
    assert (outcome.state, outcome.code) == (JobState.FAILED, ExitCode.TRANSFER)
    assert not Path("out/0.png").exists()


def _children() -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        fields = status.read_text().rpartition(")")[2].split()
        command = (status.parent / "cmdline").read_bytes()
        if int(fields[1]) == os.getpid() and b"spawn_main" in command:
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_worker_that_dies_fails_its_picture_and_is_replaced(
    work: Work, tasks: list[Task]
) -> None:
    endless = replace(tasks[0], settings=replace(QUICK, iterations=10**6))

    def todo() -> Iterator[Task | None]:
        yield endless
        while not _children():
            yield None
        for process in _children():
            os.kill(process, signal.SIGKILL)
        yield from tasks[1:]

    outcomes = [*paint_all(work, todo(), 2, _never)]
    assert sorted(_states(outcomes)) == [JobState.DONE, JobState.DONE, JobState.FAILED]
    (failed,) = (each for each in outcomes if each.state is JobState.FAILED)
    assert failed.task == endless
    assert "killed by signal 9" in failed.reason
    assert not _children()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_being_painted_is_given_up_when_told(
    work: Work, tasks: list[Task], workers: int
) -> None:
    begun: list[Task] = []
    endless = replace(QUICK, iterations=10**6)

    def todo() -> Iterator[Task]:
        for task in (tasks[0], *(replace(each, settings=endless) for each in tasks)):
            begun.append(task)
            yield task

    outcomes = [*paint_all(work, todo(), workers, lambda: len(begun) > 1)]
    assert _states(outcomes) in ([], [JobState.DONE])
    assert not Path("out/1.png").exists()


def test_threads_and_memory_are_divided(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.engine.memory.available", lambda: 1000)
    whole = replace(work, threads=5, memory=900)
    assert divided(whole, 1) == whole
    part = divided(whole, 2)
    assert (part.threads, part.memory) == (2, 450)
    part = divided(replace(whole, memory=None), 2)
    assert (part.memory, part.share) == (None, 400)
    for workers in (0, 6, -1):
        with pytest.raises(UsageError, match=f"workers is {workers}"):
            divided(whole, workers)
