"""What a killed process left of its output goes with the next one, and nothing else."""

import signal
import subprocess
from pathlib import Path

import pytest

from lightstyle import model_folder
from lightstyle.errors import ExitCode
from lightstyle.files import Draft, atomic_write, check_writable
from lightstyle.leftovers import folder
from tests.conftest import Runner
from tests.support.processes import start, start_script, wait_for

#: Begins to write an output, and dies at it, or waits.
WRITING = """
import os, signal, sys, time
from pathlib import Path
from lightstyle import leftovers
from lightstyle.files import Draft
kind, path, ends = sys.argv[1:]
with Draft(Path(path)) if kind == "file" else leftovers.folder(Path(path)) as made:
    if kind == "file":
        made.write(b"half")
    else:
        (made / "half").write_bytes(b"half")
    print("begun", flush=True)
    if ends == "at once":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
"""


def _write_half(kind: str, path: Path, ends: str) -> subprocess.Popen[str]:
    process = start_script(WRITING, kind, path, ends, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as lines:
        assert lines.readline() == "begun\n"
    if ends == "at once":
        process.wait()
    return process


def _left(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.name.startswith(".lightstyle-")]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_dead_process_left_of_an_output_goes_with_the_next(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "out.png"
    _write_half(kind, path, "at once")
    assert _left(tmp_path)
    check_writable(tmp_path / "other.png", inputs=[], overwrite=True)
    atomic_write(tmp_path / "other.png", b"new")
    assert _left(tmp_path)  # it is another output's
    check_writable(path, inputs=[], overwrite=True)
    assert not _left(tmp_path)
    _write_half(kind, path, "at once")
    atomic_write(path, b"new")
    assert not _left(tmp_path)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_living_process_writes_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out.png"
    living = _write_half(kind, path, "later")
    before = _left(tmp_path)
    with Draft(path) as draft, folder(path) as place:
        (place / "a").touch()
        draft.publish()
    check_writable(path, inputs=[], overwrite=True)
    assert _left(tmp_path) == before
    living.kill()
    living.wait()
    check_writable(path, inputs=[], overwrite=True)
    assert not _left(tmp_path)


def test_a_file_is_locked_until_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    replace = Path.replace

    def beside_another(self: Path, target: Path) -> Path:
        check_writable(path, inputs=[], overwrite=True)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", beside_another)
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"


def _written(path: str) -> int:
    """When it was; 0 where, for a moment, another one replaces it."""
    try:
        return Path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def test_a_killed_run_leaves_nothing_after_it_was_resumed(
    run: Runner, studio: Path
) -> None:
    options = ["--checkpoint", "auto", "--checkpoint-every", 0, "--size", 48]
    options += ["--timelapse", "film.webp", "--iterations", 100000]
    process = start("stylize", "content.png", "style.png", "-o", "out.png", *options)
    wait_for(Path("out.png.checkpoint").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (dead,) = _left(studio)
    written = _written("out.png.checkpoint")
    resumed = start("resume", "out.png.checkpoint")
    wait_for(lambda: _written("out.png.checkpoint") not in (0, written))
    assert not dead.exists()
    resumed.send_signal(signal.SIGTERM)
    resumed.communicate(timeout=30)
    assert resumed.returncode == ExitCode.TERMINATED
    assert not _left(studio)


def test_an_unfinished_first_checkpoint_blocks_nobody(
    run: Runner, studio: Path
) -> None:
    Path("out.png.checkpoint.part").write_bytes(b"half")
    command = ["stylize", "content.png", "style.png", "-o", "out.png"]
    options = ["--checkpoint", "auto", "--iterations", 2, "--size", 48]
    assert run(*command, *options).code == ExitCode.OK
    assert not list(studio.glob("*checkpoint*"))


def test_a_killed_export_of_a_variant_leaves_nothing_after_the_next(
    run: Runner, studio: Path
) -> None:
    command = ["stylize", "content.png", "style.png", "-o", "out.png"]
    options = ["--pooling", "average", "--iterations", 1, "--size", 48]
    assert run(*command, *options).code == ExitCode.OK
    variants = model_folder.cache_folder() / "variants"
    (model,) = {path for path in variants.glob("*.onnx") if path.stem.count(".") == 0}
    _write_half("folder", model, "at once")
    model.unlink()
    assert _left(variants)
    assert run(*command, *options, "--overwrite").code == ExitCode.OK
    assert not _left(variants)
