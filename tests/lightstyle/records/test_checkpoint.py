from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import build_model
from lightstyle import Checkpoint, Model, Result, Settings
from lightstyle.errors import CheckpointError, UsageError
from lightstyle.records.checkpoint import LoadedCheckpoint
from lightstyle.records.snapshot import Snapshot
from tests.support.checkpoints import SETTINGS, interrupted, stylize
from tests.support.networks import tiny_weights
from tests.support.transfers import totals, until


def _reconstruct(model: Model, settings: Settings = SETTINGS, **options: Any) -> Result:
    return lightstyle.reconstruct(
        "content.png", model=model, settings=settings, **options
    )


def _texture(model: Model, settings: Settings = SETTINGS, **options: Any) -> Result:
    return lightstyle.texture(
        "style.png", (40, 32), model=model, settings=settings, **options
    )


@pytest.mark.parametrize("job", [stylize, _reconstruct, _texture])
def test_a_resumed_run_is_the_uninterrupted_one(
    folder: Path, model: Model, job: Callable[..., Result]
) -> None:
    whole = job(model)
    path = folder / "run.checkpoint"
    job(model, callback=until(9), checkpoint=Checkpoint(path, seconds=1000))
    resumed = lightstyle.resume(path, model=model)
    assert totals(resumed) == totals(whole)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
    assert resumed.status is whole.status
    assert resumed.settings == whole.settings


def test_the_model_is_found_again(folder: Path, model: Model) -> None:
    whole = stylize(model)
    resumed = lightstyle.resume(interrupted(model))
    assert totals(resumed) == pytest.approx(totals(whole), rel=1e-4)


def test_with_the_history_thrown_away_it_is_another_run(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = totals(stylize(model))
    path = interrupted(model)
    state = Snapshot.state
    monkeypatch.setattr(
        Snapshot, "state", lambda saved: replace(state(saved), optimizer=None)
    )
    resumed = totals(lightstyle.resume(path, model=model))
    assert resumed[:9] == whole[:9]
    assert resumed[9:19] != pytest.approx(whole[9:19], rel=1e-4)


def test_scipys_optimiser_goes_on_from_the_best_picture(
    folder: Path, model: Model
) -> None:
    settings = replace(SETTINGS, optimizer="lbfgsb")
    path = interrupted(model, settings=settings)
    resumed = lightstyle.resume(path, model=model)
    assert resumed.evaluations == 24
    assert resumed.history[9].total == pytest.approx(min(totals(resumed)[:9]))
    assert resumed.loss < min(totals(resumed)[:9])


def test_time_and_relative_paths_are_carried_over(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, init="style.png")
    path = interrupted(model, settings=settings).absolute()
    elapsed = LoadedCheckpoint.newest(path).snapshot.elapsed
    monkeypatch.chdir("/")
    resumed = lightstyle.resume(path, model=model)
    assert resumed.seconds > elapsed > 0


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_the_previous_one_is_used_where_the_newest_is_not_good(
    folder: Path, model: Model, damage: str
) -> None:
    whole = totals(stylize(model))
    path = interrupted(model)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:  # killed between the two renamings
        path.replace(folder / "run.checkpoint.part")
    resumed = lightstyle.resume(path, model=model)
    assert totals(resumed) == whole
    assert len(LoadedCheckpoint.newest(path).snapshot.history) == 24


@pytest.mark.parametrize(
    ("name", "role"), [("content.png", "content"), ("style.png", "style")]
)
@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_changed_picture_is_named(
    folder: Path, model: Model, name: str, role: str, change: str
) -> None:
    path = interrupted(model)
    if change == "other":
        Image.new("RGB", (60, 40)).save(name)
    else:
        Path(name).unlink()
    with pytest.raises(CheckpointError, match=rf"^{role} .*{name} "):
        lightstyle.resume(path, model=model)


def test_a_changed_model_is_named(folder: Path, model: Model) -> None:
    path = interrupted(model)
    build_model(tiny_weights(seed=3), folder / "other.onnx")
    other = Model.load(folder / "other.onnx", "cpu", 1)
    with pytest.raises(CheckpointError, match=r"other\.onnx has weights"):
        lightstyle.resume(path, model=other)


def test_an_interval_is_not_negative() -> None:
    with pytest.raises(UsageError, match="checkpoint-every is -1"):
        Checkpoint(Path("x"), seconds=-1)
