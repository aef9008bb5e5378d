import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import build_model
from lightstyle import (
    Checkpoint,
    Model,
    Progress,
    Result,
    Settings,
    Status,
    checkpoint_file,
)
from lightstyle.errors import CheckpointError, OutputError, UsageError
from lightstyle.saved import Saved
from tests.conftest import draw_pictures
from tests.networks import tiny_weights

QUICK = Settings(size=48, iterations=24)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model.load(tiny_model, "cpu", 1)


def _until(evaluation: int) -> Callable[[Progress], None]:
    def callback(progress: Progress) -> None:
        if progress.evaluation == evaluation:
            raise StopIteration

    return callback


def _stylize(model: Model, settings: Settings = QUICK, **options: Any) -> Result:
    return lightstyle.stylize(
        "content.png", "style.png", model=model, settings=settings, **options
    )


def _reconstruct(model: Model, settings: Settings = QUICK, **options: Any) -> Result:
    return lightstyle.reconstruct(
        "content.png", model=model, settings=settings, **options
    )


def _texture(model: Model, settings: Settings = QUICK, **options: Any) -> Result:
    return lightstyle.texture(
        "style.png", (40, 32), model=model, settings=settings, **options
    )


def _totals(result: Result) -> list[float]:
    return [losses.total for losses in result.history]


def _interrupted(model: Model, at: int = 9, settings: Settings = QUICK) -> Path:
    path = Path("run.checkpoint")
    kept = Checkpoint(path, seconds=0)
    result = _stylize(model, settings, callback=_until(at), checkpoint=kept)
    assert result.status is Status.CANCELLED
    return path


@pytest.mark.parametrize("job", [_stylize, _reconstruct, _texture])
def test_a_resumed_run_is_the_uninterrupted_one(
    folder: Path, model: Model, job: Callable[..., Result]
) -> None:
    whole = job(model)
    path = folder / "run.checkpoint"
    job(model, callback=_until(9), checkpoint=Checkpoint(path, seconds=1000))
    resumed = lightstyle.resume(path, model=model)
    assert _totals(resumed) == _totals(whole)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
    assert resumed.status is whole.status
    assert resumed.settings == whole.settings


def test_the_model_is_found_again(folder: Path, model: Model) -> None:
    whole = _stylize(model)
    resumed = lightstyle.resume(_interrupted(model))
    assert _totals(resumed) == pytest.approx(_totals(whole), rel=1e-4)


def test_with_the_history_thrown_away_it_is_another_run(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _totals(_stylize(model))
    path = _interrupted(model)
    state = Saved.state
    monkeypatch.setattr(
        Saved, "state", lambda saved: replace(state(saved), optimizer=None)
    )
    resumed = _totals(lightstyle.resume(path, model=model))
    assert resumed[:9] == whole[:9]
    assert resumed[9:19] != pytest.approx(whole[9:19], rel=1e-4)


def test_scipys_optimiser_goes_on_from_the_best_picture(
    folder: Path, model: Model
) -> None:
    settings = replace(QUICK, optimizer="lbfgsb")
    path = _interrupted(model, settings=settings)
    resumed = lightstyle.resume(path, model=model)
    assert resumed.evaluations == 24
    assert resumed.history[9].total == pytest.approx(min(_totals(resumed)[:9]))
    assert resumed.loss < min(_totals(resumed)[:9])


def test_time_and_relative_paths_are_carried_over(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(QUICK, init="style.png")
    path = _interrupted(model, settings=settings).absolute()
    elapsed = Saved.newest(path).elapsed
    monkeypatch.chdir("/")
    resumed = lightstyle.resume(path, model=model)
    assert resumed.seconds > elapsed > 0


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_one_clear_line(
    folder: Path, model: Model, share: float
) -> None:
    path = _interrupted(model)
    checkpoint_file.previous(path).unlink()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"damaged|no checkpoint") as caught:
        lightstyle.resume(path, model=model)
    assert "\n" not in str(caught.value)


def test_no_flipped_bit_is_accepted(folder: Path, model: Model) -> None:
    path = _interrupted(model)
    checkpoint_file.previous(path).unlink()
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 40).tolist()
    for place in (*range(40), *places, len(whole) - 1):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            checkpoint_file.read(path)
    path.write_bytes(whole)
    assert checkpoint_file.read(path)["job"] == "stylize"


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04" * 999, b"\x89PNG\r\n"])
def test_a_foreign_file_is_none_of_ours(folder: Path, contents: bytes) -> None:
    Path("other").write_bytes(contents)
    with pytest.raises(CheckpointError, match="no checkpoint of Lightstyle"):
        lightstyle.resume("other")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"none\.checkpoint .*No such file"):
        lightstyle.resume("none.checkpoint")


def test_another_schema_is_for_another_version(folder: Path) -> None:
    path = Path("new.checkpoint")
    checkpoint_file.write(path, {"job": "stylize"}, {})
    data = path.read_bytes().replace(b'"schema": 2', b'"schema": 9')
    digest = hashlib.sha256(data[:-32]).digest()
    path.write_bytes(data[:-32] + digest)
    with pytest.raises(CheckpointError, match="schema 9, expected 2"):
        lightstyle.resume(path)


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_the_previous_one_is_used_where_the_newest_is_not_good(
    folder: Path, model: Model, damage: str
) -> None:
    whole = _totals(_stylize(model))
    path = _interrupted(model)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:  # killed between the two renamings
        path.replace(folder / "run.checkpoint.part")
    resumed = lightstyle.resume(path, model=model)
    assert _totals(resumed) == whole
    assert len(Saved.newest(path).history) == 24


@pytest.mark.parametrize(
    ("name", "role"), [("content.png", "content"), ("style.png", "style")]
)
@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_changed_picture_is_named(
    folder: Path, model: Model, name: str, role: str, change: str
) -> None:
    path = _interrupted(model)
    if change == "other":
        Image.new("RGB", (60, 40)).save(name)
    else:
        Path(name).unlink()
    with pytest.raises(CheckpointError, match=rf"^{role} .*{name} "):
        lightstyle.resume(path, model=model)


def test_a_changed_model_is_named(folder: Path, model: Model) -> None:
    path = _interrupted(model)
    build_model(tiny_weights(seed=3), folder / "other.onnx")
    other = Model.load(folder / "other.onnx", "cpu", 1)
    with pytest.raises(CheckpointError, match=r"other\.onnx has weights"):
        lightstyle.resume(path, model=other)


def test_a_disk_without_room_is_refused_before_the_work(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"needs up to \d+ MB .* are free in"):
        _stylize(model, checkpoint=Checkpoint(Path("run.checkpoint")))


def test_the_size_that_is_reserved_is_that_of_the_file(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=0)
    path = _interrupted(model, at=23)
    path.replace(folder / "kept")
    checkpoint_file.previous(path).unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError) as caught:
        _stylize(model, checkpoint=Checkpoint(path))
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

    result = _stylize(model, checkpoint=Checkpoint(path, 0), callback=fills_up)
    assert result.evaluations == 24
    assert "No space left" in result.notes[-1]
    assert len(checkpoint_file.read(path)["history"]) == 4
    assert not Path("run.checkpoint.part").exists()


def test_pictures_that_are_no_files_cannot_be_found_again(model: Model) -> None:
    with pytest.raises(UsageError, match="content is a ndarray"):
        lightstyle.stylize(
            np.zeros((40, 40, 3), np.uint8),
            np.zeros((40, 40, 3), np.uint8),
            model=model,
            settings=QUICK,
            checkpoint=Checkpoint(Path("run.checkpoint")),
        )


def test_another_runs_checkpoint_is_not_written_over(
    folder: Path, model: Model
) -> None:
    path = _interrupted(model)
    with pytest.raises(OutputError, match=r"exists: `lightstyle resume run\."):
        _stylize(model, checkpoint=Checkpoint(path))
    Checkpoint(path).remove()
    assert sorted(p.name for p in folder.iterdir()) == ["content.png", "style.png"]


def test_a_checkpoint_is_written_when_its_time_has_come(
    folder: Path, model: Model
) -> None:
    path = Path("run.checkpoint")
    _stylize(model, checkpoint=Checkpoint(path, seconds=1000))
    assert not path.exists()


def test_an_interval_is_not_negative() -> None:
    with pytest.raises(UsageError, match="checkpoint-every is -1"):
        Checkpoint(Path("x"), seconds=-1)
