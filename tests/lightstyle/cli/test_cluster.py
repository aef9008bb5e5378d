import os
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from lightstyle.errors import ExitCode
from lightstyle.records.checkpoint import LoadedCheckpoint
from tests.conftest import Runner
from tests.support.folders import QUICK, draw, pictures
from tests.support.processes import start

BATCH = ["batch", "photos", "style.png", "-o", "out"]


@pytest.fixture
def photos(studio: Path) -> Path:
    for number in range(4):
        draw(studio / "photos" / f"{number}.png", number)
    return studio / "photos"


@pytest.mark.parametrize("command", ["batch", "sheet"])
def test_workers_and_a_cluster_exclude_each_other(
    run: Runner, photos: Path, command: str
) -> None:
    words = BATCH if command == "batch" else ["sheet", "content.png", "style.png"]
    done = run(*words, *QUICK, "--workers", 2, "--cluster", "local")
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert "--workers 2 and --cluster exclude each other" in line
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [("10.0.0.1", "expected auto, local or ray://HOST:PORT"), ("auto", "package ray")],
)
def test_a_cluster_that_cannot_be_is_told_before_anything_is_made(
    run: Runner,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    words: str,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run(*BATCH, *QUICK, "--cluster", address)
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert words in line
    assert not Path("out").exists()


@pytest.mark.parametrize("address", ["auto", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_has_a_code_of_its_own(
    photos: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # which `auto` means then
    process = start(*BATCH, *QUICK, "--cluster", address, "--quiet", stdout=PIPE)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (ExitCode.CLUSTER, "")
    (line,) = errors.splitlines()
    assert line.startswith(f"error: cluster {address}")
    assert "nothing answers there: Connection refused" in line
    assert not [*Path("out").iterdir()]


def test_a_batch_on_a_cluster_prints_what_any_batch_does(photos: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    (photos / "3.png").write_bytes(b"no picture")
    options = ["--size", 48, "--iterations", 3, "--threads", 1, "--cluster", "local"]
    process = start(*BATCH, *options, "--failures", "failed.jsonl", stdout=PIPE)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == ExitCode.SOME_FAILED, errors
    assert out.splitlines()[-1] == "4 pictures: 3 done, 0 skipped, 1 failed"
    first, second, *lines = errors.splitlines()
    assert first.startswith("model ")
    assert second.startswith("cluster local: ")
    assert len(lines) == 5, errors  # one for each picture, and the error
    assert lines[-1] == "error: 1 of 4 pictures failed"
    assert [*pictures(Path("out"))] == ["0.png", "1.png", "2.png"]
    assert "not a picture" in Path("failed.jsonl").read_text()
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *pictures(Path("out"))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_terminal_that_ends_a_batch_leaves_checkpoints(
    photos: Path, number: signal.Signals
) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    options = ["--size", 60, "--iterations", 100000, "--threads", 1]
    process = start(
        *(*BATCH, *options, "--cluster", "local"), stdout=PIPE, start_new_session=True
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("cluster local: 2 workers"):
            break
    time.sleep(10)  # they start, and paint for a while
    os.killpg(process.pid, number)  # as terminals do: it reaches the workers, too
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert out.splitlines()[-1] == "0 pictures: 0 done, 0 skipped, 0 failed, 4 left"
    assert "Traceback" not in errors
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [".0.png.checkpoint", ".1.png.checkpoint"]
    for name in names:
        assert LoadedCheckpoint.newest(Path("out", name)).snapshot.history
