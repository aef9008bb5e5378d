import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightstyle import Settings
from lightstyle.errors import ExitCode, ModelError, UsageError
from lightstyle.jobs import painter, pool
from lightstyle.jobs.executor import Executor, InProcess
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.pool import ProcessPool, local
from lightstyle.jobs.task import Output, Task, TaskOutcome, TaskState
from lightstyle.jobs.worker import Worker
from lightstyle.records.record import Record
from lightstyle.transfer import stylize as transfer
from tests.support.folders import draw
from tests.support.networks import break_evaluation
from tests.support.processes import endless, painting, wait_for

QUICK = Settings(size=32, iterations=2)
ENDLESS = replace(QUICK, iterations=10**5)
RUNTIME = Runtime(threads=1)


@pytest.fixture
def tasks(studio: Path) -> list[Task]:
    names = [draw(Path("in", f"{n}.png"), n, (32, 32)).name for n in range(3)]
    return [
        Task(
            given={"content": Path("in", name), "style": ("style.png",)},
            settings=QUICK,
            output=Output(path=Path("out", name)),
        )
        for name in names
    ]


def _never() -> bool:
    return False


def _outcomes(tasks: Sequence[Task]) -> list[TaskOutcome]:
    with InProcess(RUNTIME, _never) as executor:
        return [outcome for _, outcome in executor.run(tasks, _never)]


def _states(outcomes: list[TaskOutcome]) -> list[TaskState]:
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
    tasks: list[Task],
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    code: ExitCode,
    reason: str,
) -> None:
    def fails(content: Path, **more: Any) -> Any:
        if content == Path("in/1.png"):
            raise raised
        return transfer.stylize(content, **more)

    monkeypatch.setattr(painter, "JOBS", {"stylize": fails})
    outcomes = _outcomes(tasks)
    assert _states(outcomes) == [TaskState.DONE, TaskState.FAILED, TaskState.DONE]
    assert outcomes[1].code == code
    assert reason in outcomes[1].reason
    assert not Path("out/1.png").exists()


def test_a_loss_that_is_not_finite_is_a_failure_without_a_picture(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 2)
    (outcome,) = _outcomes(tasks[:1])
    assert (outcome.state, outcome.code) == (TaskState.FAILED, ExitCode.TRANSFER)
    assert not Path("out/0.png").exists()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("job", "given"),
    [
        ("stylize", {"content": "in/0.png", "style": ["style.png", "in/1.png"]}),
        ("reconstruct", {"content": "in/0.png"}),
        ("texture", {"style": "style.png", "size": (40, 32)}),
    ],
)
def test_every_job_is_a_task_and_known_to_be_finished(
    tasks: list[Task], workers: int, job: str, given: Mapping[str, Any]
) -> None:
    output = Output(path=Path("out/a.png"), bits=16)
    in_file = Task(job=job, given=given, settings=QUICK, output=output)
    returned = replace(in_file, output=None)
    other = replace(in_file, settings=replace(QUICK, seed=1, iterations=3))
    with local(RUNTIME, workers, _never) as executor:
        done, picture, skipped, refused = (
            executor.submit(task).result()
            for task in (in_file, returned, in_file, other)
        )
    assert (done.state, done.path) == (TaskState.DONE, output.path)
    assert (skipped.state, skipped.path) == (TaskState.SKIPPED, output.path)
    assert (refused.state, refused.code) == (TaskState.FAILED, ExitCode.OUTPUT)
    record = Record.read(output.path)
    assert (record.job, record.evaluations) == (job, 2)
    assert picture.path is None
    assert picture.levels_hwc is not None
    assert picture.levels_hwc.shape[:2] == record.size[::-1]


def test_a_texture_of_another_size_is_not_the_finished_one(studio: Path) -> None:
    given = {"style": "style.png", "size": (40, 32)}
    output = Output(path=Path("a.png"))
    task = Task(job="texture", given=given, settings=QUICK, output=output)
    larger = replace(task, given={**given, "size": (44, 32)})
    done, refused = _outcomes([task, larger])
    assert done.state is TaskState.DONE
    assert "it exists and is 40x32, not 44x32" in refused.reason


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures_of_a_task_need_not_be_files(studio: Path, workers: int) -> None:
    pixels_hwc = np.random.default_rng(0).random((32, 32, 3), np.float32)
    given = {"content": pixels_hwc, "style": Path("style.png").read_bytes()}
    task = Task(given=given, settings=QUICK, output=Output(path=Path("a.png")))
    with local(RUNTIME, workers, _never) as executor:
        done, refused = (executor.submit(task).result() for _ in range(2))
    assert done.state is TaskState.DONE
    assert "pictures that are not files" in refused.reason


def test_a_worker_that_dies_fails_its_picture_and_is_replaced(
    tasks: list[Task],
) -> None:
    endless = replace(tasks[0], settings=ENDLESS)

    def todo() -> Iterator[Task]:
        yield endless
        wait_for(painting)
        for process in painting():
            process.kill()
        yield from tasks[1:]

    with ProcessPool(RUNTIME, 2) as executor:
        ended = dict(executor.run(todo(), _never))
    assert sorted(_states([*ended.values()])) == ["done", "done", "failed"]
    assert "killed by signal 9" in ended[endless].reason
    assert not painting()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_being_painted_is_given_up_when_told(
    tasks: list[Task], workers: int
) -> None:
    begun: list[Task] = []

    def todo() -> Iterator[Task]:
        for task in (tasks[0], *(replace(each, settings=ENDLESS) for each in tasks)):
            begun.append(task)
            yield task

    def stopping() -> bool:
        return len(begun) > 1

    with local(RUNTIME, workers, stopping) as executor:
        outcomes = [outcome for _, outcome in executor.run(todo(), stopping)]
    assert _states(outcomes) in ([], [TaskState.DONE])
    assert not Path("out/1.png").exists()


def test_one_task_is_cancelled_running_or_waiting_and_the_others_go_on(
    tasks: list[Task],
) -> None:
    endless = [replace(task, settings=ENDLESS) for task in tasks[:2]]
    with ProcessPool(RUNTIME, 1) as executor:
        running, waiting, last = (executor.submit(t) for t in (*endless, tasks[2]))
        wait_for(running.running)
        executor.cancel(waiting)
        executor.cancel(running)
        assert last.result().state is TaskState.DONE
        for future in (running, waiting):
            with pytest.raises(CancelledError):
                future.result()
        executor.cancel(last)  # has ended
        assert last.result().state is TaskState.DONE


def test_a_task_is_cancelled_while_its_model_is_loaded(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.jobs.worker._serve", endless)
    with ProcessPool(RUNTIME, 1) as executor:
        future = executor.submit(tasks[0])
        wait_for(future.running)
        executor.cancel(future)
        with pytest.raises(CancelledError):
            future.result(timeout=30)


def test_shutdown_ends_workers_at_their_task(tasks: list[Task]) -> None:
    executor = ProcessPool(RUNTIME, 2)
    futures = [executor.submit(replace(task, settings=ENDLESS)) for task in tasks]
    wait_for(painting)
    executor.shutdown()
    assert not painting()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result()


def test_a_process_that_cannot_be_started_costs_its_task_alone(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(runtime: Runtime) -> Worker:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with ProcessPool(RUNTIME, 1, most_tasks=1) as executor:
        assert executor.submit(tasks[0]).result().state is TaskState.DONE
        with monkeypatch.context() as patch:
            patch.setattr(pool, "Worker", full)
            for task in tasks[1:]:
                with pytest.raises(BlockingIOError):
                    executor.submit(task).result()
        assert executor.submit(tasks[1]).result().state is TaskState.DONE


def _executors() -> list[Executor]:
    broken = replace(RUNTIME, model="no.onnx")
    return [InProcess(broken, _never), ProcessPool(broken, 2)]


@pytest.mark.parametrize("executor", _executors(), ids=["in process", "pool"])
def test_a_fault_of_the_model_is_raised(tasks: list[Task], executor: Executor) -> None:
    with executor, pytest.raises(ModelError, match=r"no\.onnx"):
        list(executor.run(tasks, _never))


def test_a_worker_outlives_a_fault_of_the_model(
    tasks: list[Task], tiny_model: Path
) -> None:
    missing = replace(RUNTIME, model=str(Path("models", tiny_model.name)))
    with ProcessPool(missing, 1) as executor:
        with pytest.raises(ModelError):
            executor.submit(tasks[0]).result()
        Path("models").symlink_to(tiny_model.parent)
        assert executor.submit(tasks[0]).result().state is TaskState.DONE


def test_threads_and_memory_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightstyle.engine.memory.available", lambda: 1000)
    monkeypatch.setattr("lightstyle.engine.threads.available_cpus", lambda: 8)
    whole = Runtime(threads=5, memory=900)
    assert whole.divided(1) == whole
    part = whole.divided(2)
    assert (part.threads, part.memory) == (2, 450)
    part = replace(whole, memory=None).divided(2)
    assert (part.memory, part.share) == (None, 400)
    for workers in (0, 6, -1):
        with pytest.raises(UsageError, match=f"workers is {workers}"):
            whole.divided(workers)
