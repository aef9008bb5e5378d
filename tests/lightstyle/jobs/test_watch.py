from itertools import islice
from pathlib import Path

import pytest

from lightstyle import Settings
from lightstyle.jobs import watch
from lightstyle.jobs.batch import Batch
from lightstyle.jobs.inputs import BatchInputs
from lightstyle.jobs.task import Output
from lightstyle.jobs.watch import FolderWatcher
from tests.support.folders import draw


class Clock:
    """A clock that goes on by a second with every look at the folder."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderWatcher:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "monotonic", Clock())
    Path("in").mkdir()
    output = Output(path=Path("in/out"))
    inputs = BatchInputs("in", output.path)
    batch = Batch(inputs=inputs, styles=(), settings=Settings(), output=output)
    return FolderWatcher(batch)


def _names(watched: FolderWatcher, looks: int) -> list[str]:
    """Pictures that it finds in so many looks, each a second or less after the last."""
    found = islice(watched.tasks(), looks)
    return [task.given["content"].name for task in found if task is not None]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".tif", ".bmp"])
def test_a_file_is_taken_when_it_is_whole_and_only_once(
    watched: FolderWatcher, suffix: str
) -> None:
    whole = draw(Path(f"whole{suffix}"), 1).read_bytes()
    path = Path(f"in/a{suffix}")
    assert _names(watched, 5) == []
    path.write_bytes(b"")
    assert _names(watched, 5) == []
    for end in (10, len(whole) // 2, len(whole) - 12, len(whole) - 1):
        path.write_bytes(whole[:end])  # the copying pauses for several looks
        assert _names(watched, 10) == []
    path.write_bytes(whole)
    assert _names(watched, 10) == [path.name]
    assert _names(watched, 10) == []


def test_a_file_that_still_changes_is_waited_for(watched: FolderWatcher) -> None:
    path = draw(Path("in/a.png"), 1)
    for _ in range(5):
        assert _names(watched, 1) == []
        path.touch()
    assert _names(watched, 10) == ["a.png"]


def test_a_damaged_file_is_taken_after_a_minute(watched: FolderWatcher) -> None:
    Path("in/a.png").write_bytes(b"no picture")
    assert _names(watched, 60) == []
    assert _names(watched, 60) == ["a.png"]


def test_a_picture_that_changes_comes_again(watched: FolderWatcher) -> None:
    draw(Path("in/a.png"), 1)
    assert _names(watched, 10) == ["a.png"]
    draw(Path("in/a.png"), 2, (50, 50))
    assert _names(watched, 10) == ["a.png"]


def test_results_and_files_that_go_again_are_left_aside(watched: FolderWatcher) -> None:
    draw(Path("in/out/a.png"), 1)
    gone = draw(Path("in/b.png"), 1)
    assert _names(watched, 1) == []
    gone.unlink()
    assert _names(watched, 10) == []


def test_a_second_picture_with_the_same_result_fails(watched: FolderWatcher) -> None:
    draw(Path("in/a.png"), 1)
    assert _names(watched, 10) == ["a.png"]
    draw(Path("in/a.gif"), 2)
    assert _names(watched, 10) == []
    ((_, failed),) = watched.failed
    assert "would both become" in failed.reason
