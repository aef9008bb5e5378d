import json
import signal
import time
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import psutil
import pytest
from PIL import Image

from lightstyle import Model
from lightstyle.cli.progress import StopSignal
from lightstyle.errors import ExitCode
from lightstyle.records.record import Record
from tests.conftest import Runner
from tests.support.cpus import needs_two_cpus
from tests.support.folders import QUICK, draw, pictures
from tests.support.processes import named, painting, start, wait_for

BATCH = ["batch", "photos", "style.png", "-o", "out"]


@pytest.fixture
def photos(studio: Path) -> Path:
    for number, name in enumerate(["a.png", "b.png", "deep/er/c.png"]):
        draw(studio / "photos" / name, number + 10)
    return studio / "photos"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_is_mirrored_and_then_known_to_be_finished(
    run: Runner, photos: Path, workers: int
) -> None:
    done = run(*BATCH, *QUICK, "--workers", workers)
    assert done.code == ExitCode.OK
    first = pictures(Path("out"))
    assert list(first) == ["a.png", "b.png", "deep/er/c.png"]
    assert done.out.splitlines()[-1] == "3 pictures: 3 done, 0 skipped, 0 failed"
    threads = {Record.read(f"out/{name}").environment["threads"] for name in first}
    assert threads == {2 // workers}
    done = run(*BATCH, *QUICK, "--workers", workers)
    assert done.code == ExitCode.OK
    assert done.out.splitlines()[-1] == "3 pictures: 0 done, 3 skipped, 0 failed"
    assert pictures(Path("out")) == first


@pytest.mark.parametrize(
    ("suffix", "options"), [(".png", []), (".png", ["--bits=16"]), (".jpg", [])]
)
def test_results_beside_the_photos_are_left_out_of_the_folder(
    run: Runner, photos: Path, suffix: str, options: list[str]
) -> None:
    made = photos / f"a-style{suffix}"
    stylize = ["stylize", photos / "a.png", "style.png", "-o", made]
    assert run(*stylize, *options, *QUICK).code == 0
    done = run(*BATCH, *QUICK)
    assert done.out.splitlines()[-1] == "3 pictures: 3 done, 0 skipped, 0 failed"
    (line,) = [line for line in done.lines if line.startswith("note: ")]
    assert line.startswith("note: left out 1 picture that lightstyle made; ")
    done = run("batch", f"photos/*{suffix}", "style.png", "-o", "out", *QUICK)
    assert made.name in done.out
    for name in ("a.png", "b.png", "deep/er/c.png"):
        (photos / name).unlink()
    done = run(*BATCH, *QUICK)
    assert done.code == ExitCode.IMAGE
    assert "lightstyle made all its pictures" in done.lines[-1]


def test_each_picture_is_that_of_a_run_by_itself(run: Runner, photos: Path) -> None:
    assert run(*BATCH, *QUICK, "--quiet").lines == []
    for name in ("a.png", "b.png"):
        alone = ["stylize", photos / name, "style.png", "-o", name]
        assert run(*alone, *QUICK).code == 0
        with Image.open(name) as one, Image.open(f"out/{name}") as other:
            assert np.array_equal(np.asarray(one), np.asarray(other))


def test_the_targets_of_a_style_are_computed_once_for_each_size(
    run: Runner, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, ...]] = []
    targets = Model.targets

    def counted(self: Model, pixels: np.ndarray, *more: object) -> object:
        calls.append(pixels.shape)
        return targets(self, pixels, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "targets", counted)
    assert run(*BATCH, *QUICK, "--style-weight", "1").code == 0
    assert len(calls) == 3 + 1  # of contents, and of the style


def test_a_picture_that_fails_does_not_stop_the_rest_and_is_listed(
    run: Runner, photos: Path
) -> None:
    (photos / "b.png").write_bytes(b"no picture")
    done = run(*BATCH, *QUICK, "--failures", "failed.jsonl")
    assert done.code == int(ExitCode.SOME_FAILED) == 1
    assert done.lines[-1] == "error: 1 of 3 pictures failed"
    (told,) = [line for line in done.lines if "b.png: failed, " in line]
    (listed,) = [line for line in done.out.splitlines() if line.startswith("failed")]
    reason = told.partition("failed, ")[2].partition(", about")[0]
    assert listed.split(maxsplit=2)[2] == reason.partition("; ")[0] != reason
    assert sorted(pictures(Path("out"))) == ["a.png", "deep/er/c.png"]
    entry = json.loads(Path("failed.jsonl").read_text())
    assert entry["code"] == ExitCode.IMAGE
    assert "not a picture" in entry["reason"]
    draw(photos / "b.png", 3)
    again = ["batch", "failed.jsonl", "style.png", "-o", "out", *QUICK]
    done = run(*again, "--failures", "failed.jsonl")
    assert done.code == ExitCode.OK
    assert len(pictures(Path("out"))) == 3
    assert Path("failed.jsonl").read_text() == ""
    assert run(*again).code == ExitCode.OK  # nothing is left to do


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--style-weight", "5", "made without style-weight, not with style-weight 5.0"),
        ("--bits", "16", "has 8 bits a channel, not 16"),
        ("--iterations", "2", "with iterations 3, not with iterations 2"),
    ],
)
def test_a_picture_of_other_settings_is_replaced_only_if_told(
    run: Runner, photos: Path, option: str, value: str, words: str
) -> None:
    options = [*BATCH, *QUICK]
    assert run(*options).code == 0
    before = pictures(Path("out"))
    done = run(*options, option, value)
    assert done.code == ExitCode.SOME_FAILED
    assert words in done.out
    assert pictures(Path("out")) == before
    assert run(*options, option, value, "--overwrite").code == 0
    assert not before.items() & pictures(Path("out")).items()
    assert "3 skipped" in run(*options, option, value, "--overwrite").out


def test_without_metadata_nothing_is_known_to_be_finished(
    run: Runner, photos: Path
) -> None:
    options = [*BATCH, *QUICK, "--no-metadata"]
    assert run(*options).code == 0
    done = run(*options)
    assert done.code == ExitCode.SOME_FAILED
    assert "it exists" in done.out
    assert "3 done" in run(*options, "--overwrite").out


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        pytest.param(signal.SIGINT, 2, marks=needs_two_cpus),
        pytest.param(signal.SIGHUP, 2, marks=needs_two_cpus),
        (signal.SIGTERM, 1),
        (signal.SIGHUP, 1),
    ],
)
def test_a_signal_keeps_what_is_finished_and_prints_the_table(
    photos: Path, number: signal.Signals, workers: int
) -> None:
    draw(photos / "a.png", 1, (32, 32))
    options = ["--size", 48, "--iterations", 200, "--threads", 2, "--workers", workers]
    process = start(*BATCH, *options, stdout=PIPE)
    wait_for(lambda: process.poll() is not None or pictures(Path("out")) != {})
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "done" in out.splitlines()[-1]
    assert "Traceback" not in errors
    for name in pictures(Path("out")):
        assert Record.read(f"out/{name}").evaluations == 200
    assert not [*Path("out").rglob("*.tmp")]


def test_shards_paint_the_folder_between_them(run: Runner, photos: Path) -> None:
    counts = []
    for shard in ("1/3", "2/3", "3/3"):
        done = run(*BATCH, *QUICK, "--shard", shard)
        assert done.code == ExitCode.OK
        counts.append(int(done.out.splitlines()[-1].split()[0]))
    assert sum(counts) == 3
    assert list(pictures(Path("out"))) == ["a.png", "b.png", "deep/er/c.png"]


def test_a_batch_that_ends_before_its_first_picture_counts_what_is_left(
    run: Runner, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StopSignal, "came", True)
    monkeypatch.setattr(StopSignal, "exit_code", ExitCode.INTERRUPTED)
    done = run(*BATCH, *QUICK)
    assert done.code == ExitCode.INTERRUPTED
    assert done.out == "0 pictures: 0 done, 0 skipped, 0 failed, 3 left\n"


@needs_two_cpus
def test_watching_takes_pictures_as_they_become_complete(photos: Path) -> None:
    whole = (photos / "a.png").read_bytes()
    late = photos / "late.png"
    late.write_bytes(whole[:-100])
    process = start(*BATCH, *QUICK, "--workers", 2, "--watch", stdout=PIPE)
    wait_for(lambda: process.poll() is not None or len(pictures(Path("out"))) == 3)
    assert not Path("out/late.png").exists()
    late.write_bytes(whole)
    wait_for(lambda: process.poll() is not None or len(pictures(Path("out"))) == 4)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == ExitCode.TERMINATED
    assert out.splitlines()[-1] == "4 pictures: 4 done, 0 skipped, 0 failed"


def _kill(process: Popen[str]) -> None:
    """Kill a batch, and see that its workers do not live on."""
    alive = process.poll() is None
    workers = psutil.Process(process.pid).children() if alive else []
    process.kill()
    process.communicate()
    wait_for(lambda: not named("", workers), 30)


def _kill_and_finish(folder: Path, seconds: float, options: list[object]) -> bool:
    """Kill a batch after it began to write, and finish it; whether it was killed."""
    process = start(*BATCH, *options, stdout=PIPE)
    wait_for(lambda: process.poll() is not None or pictures(folder) != {})
    time.sleep(seconds)
    _kill(process)
    finished = pictures(folder)
    time.sleep(0.2)
    assert pictures(folder) == finished
    out, errors = start(*BATCH, *options, stdout=PIPE).communicate(timeout=120)
    made = pictures(folder)
    assert len(made) == 12, errors
    assert finished.items() <= made.items()  # none was done twice
    counts = f"{12 - len(finished)} done, {len(finished)} skipped, 0 failed"
    assert out.splitlines()[-1] == f"12 pictures: {counts}"
    for path in folder.glob("*.png"):
        path.unlink()
    return process.returncode == -signal.SIGKILL and len(finished) < 12


@needs_two_cpus
def test_a_killed_batch_leaves_no_workers_and_goes_on(studio: Path) -> None:
    for number in range(12):
        draw(studio / "photos" / f"{number}.png", number)
    options = ["--size", 48, "--iterations", 20, "--threads", 2, "--workers", 2]
    # Once in a while it ends before it is killed.
    assert any(_kill_and_finish(studio / "out", 0.0, options) for _ in range(3))


@needs_two_cpus
@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.0])
def test_workers_end_with_a_command_that_is_killed_at_any_moment(
    photos: Path, seconds: float
) -> None:
    options = ["--size", 60, "--iterations", 100000, "--threads", 2, "--workers", 2]
    process = start(*BATCH, *options, stdout=PIPE)
    wait_for(lambda: process.poll() is not None or len(painting(process.pid)) == 2)
    time.sleep(seconds)  # while they import, load, or paint
    _kill(process)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=needs_two_cpus)])
def test_five_kills_at_random_moments_lose_nothing(studio: Path, workers: int) -> None:
    for number in range(12):
        draw(studio / "photos" / f"{number}.png", number)
    options = ["--size", 60, "--iterations", 40, "--threads", 2, "--workers", workers]
    random = np.random.default_rng(workers)
    kills, longest = 0, 3.0
    while kills < 5:
        seconds = random.uniform(0, longest)
        if _kill_and_finish(studio / "out", seconds, options):
            kills += 1
        else:
            longest /= 2


def test_a_batch_says_what_it_left_out_and_why(run: Runner, studio: Path) -> None:
    draw(studio / "photos/a.png", 1)
    for name in ("x.cr2", "y.nef", "z.psd"):
        (studio / "photos" / name).write_bytes(b"any")
    done = run("batch", "photos", "style.png", "-o", "out", *QUICK)
    assert done.code == ExitCode.OK
    assert "left out 2 pictures: camera raw is not read: develop" in " ".join(
        done.lines
    )
    assert "left out 1 picture: Photoshop's format is not read" in " ".join(done.lines)
    (studio / "photos/a.png").unlink()
    done = run("batch", "photos", "style.png", "-o", "new", *QUICK)
    assert done.code == ExitCode.IMAGE
    assert "left out 2 pictures: camera raw" in done.lines[-1]
