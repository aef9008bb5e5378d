"""Models on machines that have them, that do not, and that cannot keep them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lightstyle import Settings, load_model, model_folder
from lightstyle.cluster.model_files import ModelFiles
from lightstyle.cluster.parcel import Parcel
from lightstyle.cluster.remote import RemoteWorker
from lightstyle.errors import ModelError
from lightstyle.jobs.painter import Runtime
from lightstyle.jobs.task import Output, Task, TaskState


@pytest.fixture
def files(tiny_model: Path, tmp_path: Path) -> ModelFiles:
    """A model in a folder of its own."""
    for path in tiny_model.parent.iterdir():
        shutil.copy(path, tmp_path)
    return ModelFiles.of(load_model(tmp_path / tiny_model.name).info)


def test_a_machine_with_the_same_files_uses_them(files: ModelFiles) -> None:
    assert files.find() == files.path
    assert [*files.digests][-1] == files.path.name


@pytest.mark.parametrize("damage", ["missing", "another"])
def test_a_machine_without_them_gets_them_and_keeps_them(
    files: ModelFiles, damage: str
) -> None:
    contents = files.read()
    if damage == "missing":
        files.path.unlink()
    else:
        files.path.write_bytes(b"another version of that name")
    assert files.find() is None
    kept = files.find(contents)
    assert kept is not None
    assert kept.is_relative_to(model_folder.cache_folder() / "received")
    assert files.find() == kept
    assert load_model(kept).info.weights_digest == files.weights


def test_a_machine_that_cannot_keep_them_says_so(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = files.read()
    files.path.unlink()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ModelError, match="a node lacks model tiny and cannot keep it:"):
        files.find(contents)


def test_a_worker_asks_for_the_model_once(
    files: ModelFiles, studio: Path, tmp_path: Path
) -> None:
    contents = files.read()
    files.path.unlink()
    settings = Settings(size=48, iterations=1, style_weight=1e4)
    given = {"content": "content.png", "style": ("style.png",)}
    task = Task(given=given, settings=settings, output=Output(path=Path("a.png")))
    worker = RemoteWorker(Runtime(threads=1))
    parcel = Parcel.of(1, task)
    assert worker.paint(parcel, files).lacks_model
    reply = worker.paint(replace(parcel, number=2), files, contents)
    assert reply.outcome is not None
    assert reply.outcome.state is TaskState.DONE
    again = worker.paint(replace(parcel, number=3), files)
    assert again.outcome is not None
    assert again.outcome.state is TaskState.SKIPPED
