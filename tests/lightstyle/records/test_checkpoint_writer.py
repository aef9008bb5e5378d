import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import lightstyle
from lightstyle import Checkpoint, Model, Progress
from lightstyle.errors import OutputError, UsageError
from lightstyle.records import archive
from lightstyle.records.checkpoint import LoadedCheckpoint
from tests.support.checkpoints import SETTINGS, interrupted, stylize


def test_a_disk_without_room_is_refused_before_the_work(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"needs up to \d+ MB .* has \d+ MB free"):
        stylize(model, checkpoint=Checkpoint(Path("run.checkpoint")))


def test_the_size_that_is_reserved_is_that_of_the_file(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=0)
    path = interrupted(model, at=23)
    path.replace(folder / "kept")
    archive.previous(path).unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError) as caught:
        stylize(model, checkpoint=Checkpoint(path))
    said = float(str(caught.value).partition("three of ")[2].split()[0]) * 1e6
    assert 0.3 * said < Path("kept").stat().st_size <= said + 5e5


def test_a_disk_that_fills_up_does_not_end_the_run(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("run.checkpoint")

    def fills_up(progress: Progress) -> None:
        if progress.evaluation == 5:
            monkeypatch.setattr(
                "os.fsync",
                lambda number: (_ for _ in ()).throw(
                    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                ),
            )

    result = stylize(model, checkpoint=Checkpoint(path, 0), callback=fills_up)
    assert result.evaluations == 24
    assert "No space left" in result.notes[-1]
    assert len(LoadedCheckpoint.newest(path).snapshot.history) == 4
    assert not Path("run.checkpoint.part").exists()


def test_pictures_that_are_no_files_cannot_be_found_again(model: Model) -> None:
    with pytest.raises(UsageError, match="content is a ndarray"):
        lightstyle.stylize(
            np.zeros((40, 40, 3), np.uint8),
            np.zeros((40, 40, 3), np.uint8),
            model=model,
            settings=SETTINGS,
            checkpoint=Checkpoint(Path("run.checkpoint")),
        )


def test_another_runs_checkpoint_is_not_written_over(
    folder: Path, model: Model
) -> None:
    path = interrupted(model)
    with pytest.raises(OutputError, match=r"exists: .*`lightstyle resume run\."):
        stylize(model, checkpoint=Checkpoint(path))
    Checkpoint(path).remove()
    assert sorted(p.name for p in folder.iterdir()) == ["content.png", "style.png"]


def test_a_checkpoint_is_written_when_its_time_has_come(
    folder: Path, model: Model
) -> None:
    path = Path("run.checkpoint")
    stylize(model, checkpoint=Checkpoint(path, seconds=1000))
    assert not path.exists()
