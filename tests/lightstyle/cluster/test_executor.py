import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from lightstyle import Settings
from lightstyle.cluster.connection import Cluster
from lightstyle.cluster.demand import Demand
from lightstyle.cluster.executor import RayExecutor
from lightstyle.cluster.parcel import Parcel
from lightstyle.cluster.pending import PendingTask
from lightstyle.errors import ExitCode, ModelError
from lightstyle.jobs.executor import Executor
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.task import Kept, Output, Task, TaskOutcome, TaskState
from lightstyle.records.checkpoint import LoadedCheckpoint
from lightstyle.records.record import Record
from tests.support.folders import draw, pictures
from tests.support.processes import named, wait_for
from tests.support.watching import Dies, Notes, Sleeps

QUICK = Settings(size=32, iterations=2, style_weight=1e4)
ENDLESS = replace(QUICK, iterations=10**5)
RUNTIME = Runtime(threads=1)

Start = Callable[[bool], RayExecutor]


@pytest.fixture
def tasks(studio: Path) -> list[Task]:
    """Three pictures with checkpoints, painted in no time."""
    names = [draw(Path("in", f"{n}.png"), n, (32, 32)).name for n in range(3)]
    Path("out").mkdir()
    return [
        Task(
            given={"content": Path("in", name), "style": ("style.png",)},
            settings=QUICK,
            output=Output(path=Path("out", name)),
            kept=Kept(checkpoint=Path("out", f".{name}.checkpoint"), seconds=0),
        )
        for name in names
    ]


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Start]:
    """Starts executors of the cluster; if told, its workers see no common folder."""
    started: list[RayExecutor] = []

    def begin(apart: bool = False) -> RayExecutor:
        demand = Demand(runtime=RUNTIME, gpus=0, memory=10**8)
        executor = RayExecutor(cluster, demand, Path("out"))
        if apart:
            executor._probe.content = b"what no worker finds there"
        started.append(executor)
        return executor

    yield begin
    for executor in started:
        executor.shutdown()


def _never() -> bool:
    return False


def _run(executor: Executor, tasks: Sequence[Task]) -> list[TaskOutcome]:
    found = {t.given["content"]: o for t, o in executor.run(tasks, _never)}
    return [found[task.given["content"]] for task in tasks]


def _states(outcomes: Sequence[TaskOutcome]) -> list[TaskState]:
    return [outcome.state for outcome in outcomes]


def _workers() -> list[psutil.Process]:
    """Processes of workers that paint or wait."""
    return named("RemoteWorker", psutil.Process().children(recursive=True))


@pytest.mark.parametrize("apart", [False, True])
def test_pictures_are_painted_once_and_then_known(
    start: Start, tasks: list[Task], apart: bool
) -> None:
    executor = start(apart)
    assert executor.slots == 2
    assert _states(_run(executor, tasks)) == [TaskState.DONE] * 3
    made = pictures(Path("out"))
    assert list(made) == ["0.png", "1.png", "2.png"]
    for name in made:
        record = Record.read(f"out/{name}")
        assert record.evaluations == 2
        assert record.inputs["content"]["name"] == name
    outcomes = _run(executor, tasks)
    assert _states(outcomes) == [TaskState.SKIPPED] * 3
    assert [o.path and o.path.name for o in outcomes] == [*made]
    assert pictures(Path("out")) == made
    executor.shutdown()
    assert sorted(path.name for path in Path("out").iterdir()) == [*made]
    wait_for(lambda: not _workers())


def test_a_picture_is_the_same_whether_its_files_are_sent_or_not(
    start: Start, tasks: list[Task]
) -> None:
    _run(start(False), tasks[:1])
    seen = Path("out/0.png").read_bytes()
    Path("out/0.png").unlink()
    _run(start(True), tasks[:1])
    with Image.open(BytesIO(seen)) as one, Image.open("out/0.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("apart", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_task_whose_worker_dies_goes_on_from_its_checkpoint(
    start: Start, tasks: list[Task], apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Parcel] = []
    paint = RayExecutor._paint

    def noted(self: RayExecutor, desk: object, job: object, parcel: Parcel) -> None:
        sent.append(parcel)
        paint(self, desk, job, parcel)  # type: ignore[arg-type]

    monkeypatch.setattr(RayExecutor, "_paint", noted)
    kept = tasks[0].kept
    assert kept is not None
    kept = replace(kept, seconds=0.1)
    settings = replace(QUICK, size=64, iterations=250)
    task = replace(tasks[0], settings=settings, kept=kept)
    executor = start(apart)
    future = executor.submit(task)
    wait_for(kept.checkpoint.exists)
    (worker,) = _workers()
    worker.kill()
    assert future.result(60).state is TaskState.DONE
    assert len(sent) == 2
    assert (sent[1].checkpoint is not None) == apart
    assert Record.read("out/0.png").evaluations == 250
    assert not kept.checkpoint.exists()


@pytest.mark.parametrize("apart", [False, True])
def test_a_task_that_is_given_up_keeps_its_checkpoint(
    start: Start,
    tasks: list[Task],
    apart: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The callback writes to this machine, wherever the files of the task are.
    monkeypatch.setattr(PendingTask, "unsent", lambda pending, weights: None)
    notes = Notes(tmp_path / "seen")
    kept = tasks[0].kept
    assert kept is not None
    kept = replace(kept, seconds=1000)  # the only one is that of the end
    task = replace(
        tasks[0], settings=replace(ENDLESS, size=64), kept=kept, callback=notes
    )
    executor = start(apart)
    futures = [executor.submit(task) for _ in range(3)]
    wait_for(lambda: len({process for process, n in notes.lines if n > 1}) == 2)
    for future in futures:
        executor.cancel(future)
        with pytest.raises(CancelledError):
            future.result(20)
    saved = LoadedCheckpoint.newest(kept.checkpoint)
    assert len(saved.snapshot.history) > 1
    assert not Path("out/0.png").exists()
    assert _states(_run(executor, tasks[1:2])) == [TaskState.DONE]


def test_a_worker_that_does_not_give_up_in_time_is_killed(
    start: Start, tasks: list[Task], tmp_path: Path
) -> None:
    executor = start(False)
    future = executor.submit(replace(tasks[0], callback=Sleeps(tmp_path / "seen")))
    wait_for((tmp_path / "seen").exists)
    executor.cancel(future, patience=0.3)
    with pytest.raises(CancelledError):
        future.result(10)
    assert _states(_run(executor, tasks[1:2])) == [TaskState.DONE]


@pytest.mark.slow
def test_a_task_that_kills_its_workers_fails_and_the_others_are_made(
    start: Start, tasks: list[Task]
) -> None:
    executor = start(False)
    deadly = replace(tasks[0], callback=Dies(), settings=replace(QUICK, iterations=3))
    kept = tasks[0].kept
    assert kept is not None
    deadly = replace(deadly, kept=replace(kept, seconds=1000))
    failed, *made = _run(executor, [deadly, *tasks[1:]])
    assert _states(made) == [TaskState.DONE] * 2
    assert (failed.state, failed.code) == (TaskState.FAILED, ExitCode.TRANSFER)
    assert failed.reason.startswith("its worker died 5 times, on node ")
    assert failed.reason.endswith(", perhaps for lack of memory; choose a smaller size")
    assert failed.died == -signal.SIGKILL


@pytest.mark.parametrize("apart", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_picture_that_cannot_be_read_is_a_failure(
    start: Start, tasks: list[Task], apart: bool
) -> None:
    Path("in/0.png").write_bytes(b"no picture")
    Path("in/1.png").unlink()
    outcomes = _run(start(apart), tasks)
    assert [outcome.code for outcome in outcomes] == [
        ExitCode.IMAGE,
        ExitCode.IMAGE,
        ExitCode.OK,
    ]
    assert "in/1.png" in outcomes[1].reason


def test_a_model_that_is_not_there_ends_everything(
    start: Start, tasks: list[Task]
) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx"):
        _run(start(False), [replace(each, model="nowhere.onnx") for each in tasks])


def test_a_callback_needs_storage_that_all_see(start: Start, tasks: list[Task]) -> None:
    (outcome,) = _run(start(True), [replace(tasks[0], callback=Dies())])
    assert outcome.code == ExitCode.CLUSTER
    assert "storage that all nodes share" in outcome.reason


def test_results_without_a_file_are_returned(start: Start, tasks: list[Task]) -> None:
    (outcome,) = _run(start(True), [replace(tasks[0], output=None, kept=None)])
    assert outcome.levels_hwc is not None
    assert outcome.levels_hwc.shape == (32, 32, 3)
    assert outcome.path is None
