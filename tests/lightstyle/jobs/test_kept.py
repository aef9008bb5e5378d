"""Runs that are watched, cut off and continued where a worker runs them."""

from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lightstyle import Settings
from lightstyle.jobs.executor import InProcess
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.pool import ProcessPool
from lightstyle.jobs.task import Kept, Output, Task, TaskState
from lightstyle.records.record import Record
from tests.support.networks import image
from tests.support.processes import wait_for
from tests.support.watching import never_ends, notes_process

RUNTIME = Runtime(threads=1)


def _evaluations() -> list[int]:
    return [evaluation for _, evaluation in notes_process.lines]


@pytest.fixture
def task(studio: Path) -> Task:
    del studio
    return Task(
        given={"content": "content.png", "style": ("style.png",)},
        settings=Settings(size=48, iterations=6, style_weight=1e4),
        output=Output(path=Path("out.png"), overwrite=True),
        kept=Kept(checkpoint=Path("run"), seconds=0, unfinished=Path("best.png")),
        callback=notes_process,
    )


def _after(evaluations: int) -> Callable[[], bool]:
    return lambda: len(notes_process.lines) >= evaluations


def test_a_run_that_is_given_up_keeps_its_best_picture_and_is_continued(
    task: Task,
) -> None:
    with InProcess(RUNTIME, _after(3)) as executor, pytest.raises(CancelledError):
        executor.submit(task).result()
    assert Record.read("best.png").evaluations == 3
    assert not Path("out.png").exists()
    with InProcess(RUNTIME, lambda: False) as executor:
        assert executor.submit(task).result().state is TaskState.DONE
    assert _evaluations() == [1, 2, 3, 4, 5, 6]
    assert Record.read("out.png").evaluations == 6


@pytest.mark.parametrize("damage", ["cut off", "other content", "other settings"])
def test_a_checkpoint_that_cannot_be_continued_is_begun_anew(
    task: Task, damage: str
) -> None:
    with InProcess(RUNTIME, _after(3)) as executor, pytest.raises(CancelledError):
        executor.submit(task).result()
    if damage == "cut off":
        for path in Path().glob("run*"):
            path.write_bytes(path.read_bytes()[:100])
    elif damage == "other settings":
        task = replace(task, settings=replace(task.settings, style_weight=2e4))
    else:
        Image.fromarray(image(40, 60, 9)).save("content.png")
    with InProcess(RUNTIME, lambda: False) as executor:
        assert executor.submit(task).result().state is TaskState.DONE
    assert _evaluations()[3:] == [1, 2, 3, 4, 5, 6]


def test_a_process_that_does_not_give_up_in_time_is_killed(task: Task) -> None:
    with ProcessPool(RUNTIME, 1) as executor:
        future = executor.submit(replace(task, callback=never_ends))
        wait_for(_after(1))
        executor.cancel(future, patience=0.3)
        with pytest.raises(CancelledError):
            future.result(60)  # a tenth of what the callback takes
        assert executor.submit(task).result(60).state is TaskState.DONE


def test_a_process_makes_way_for_a_fresh_one_after_some_tasks(task: Task) -> None:
    with ProcessPool(RUNTIME, 1, most_tasks=2) as executor:
        for number in range(4):
            output = Output(path=Path(f"{number}.png"))
            once = replace(task, output=output, kept=None)
            assert executor.submit(once).result().state is TaskState.DONE
    processes = [process for process, n in notes_process.lines if n == 1]
    assert processes[0] == processes[1] != processes[2] == processes[3]


def test_a_task_may_name_a_model_of_its_own(task: Task, tiny_model: Path) -> None:
    missing = Runtime(model="nowhere.onnx", threads=1)
    with InProcess(missing, lambda: False) as executor:
        named = replace(task, model=str(tiny_model))
        assert executor.submit(named).result().state is TaskState.DONE


def test_a_run_goes_on_though_its_pictures_lie_elsewhere_by_now(task: Task) -> None:
    with InProcess(RUNTIME, _after(3)) as executor, pytest.raises(CancelledError):
        executor.submit(task).result()
    Path("elsewhere").mkdir()
    Path("content.png").rename("elsewhere/content.png")
    moved = replace(task, given={**task.given, "content": "elsewhere/content.png"})
    with InProcess(RUNTIME, lambda: False) as executor:
        assert executor.submit(moved).result().state is TaskState.DONE
    assert _evaluations() == [1, 2, 3, 4, 5, 6]
