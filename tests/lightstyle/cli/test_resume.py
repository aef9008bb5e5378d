import json
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lightstyle
from lightstyle.cli.progress import StopSignal
from lightstyle.errors import ExitCode, Stopped
from lightstyle.records import archive
from lightstyle.records.checkpoint import LoadedCheckpoint
from lightstyle.signals import SIGNALS
from tests.conftest import Runner
from tests.support.processes import start, wait_for
from tests.support.transfers import interrupt_commands

PICTURES = ["stylize", "content.png", "style.png", "-o", "out.png"]
KEPT = Path("out.png.checkpoint")


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """For the file, or the end of the process."""
    wait_for(lambda: path.exists() or process.poll() is not None)


def _losses(log: str) -> list[float]:
    return [json.loads(line)["total"] for line in Path(log).read_text().splitlines()]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_keeps_picture_and_run_and_has_a_code_of_its_own(
    run: Runner, studio: Path, number: signal.Signals
) -> None:
    options = ["--checkpoint", "auto", "--log", "log.jsonl", "--iterations", 100000]
    process = start(*PICTURES, *options)
    _wait_for(Path("log.jsonl"), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "stopped on request" in errors
    assert errors.splitlines()[-1] == f"to continue: lightstyle resume {KEPT}"
    assert Path("out.png").exists()
    assert KEPT.exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_at_once(number: signal.Signals) -> None:
    given = signal.signal(number, signal.SIG_DFL)  # nohup ignores it, and so do we
    try:
        with StopSignal(waits=True) as interrupt:
            signal.raise_signal(number)
            with pytest.raises(Stopped):
                signal.raise_signal(number)
        assert interrupt.exit_code == 128 + number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, given)


def test_resume_continues_with_all_options_and_then_removes_the_checkpoint(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = ["--size", 48, "--iterations", 12, "--threads", 1, "--save-every", 6]
    assert run(*PICTURES, "--log", "whole.jsonl", *quick).code == 0
    Path("out.png").rename("whole.png")
    for path in studio.glob("out_*"):
        path.unlink()

    with monkeypatch.context() as patched:
        interrupt_commands(patched, 5)
        done = run(*PICTURES, "--log", "log.jsonl", "--checkpoint", "auto", *quick)
    assert done.code == ExitCode.INTERRUPTED
    done = run("resume", KEPT)
    assert done.code == 0
    assert "12/12" in done.lines[-3]
    assert _losses("log.jsonl") == _losses("whole.jsonl")
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    assert Path("out_0012.png").exists()
    assert not list(studio.glob("*checkpoint*"))


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_an_old_checkpoint_is_replaced_only_if_told(
    run: Runner, studio: Path, overwrite: list[str]
) -> None:
    KEPT.write_bytes(b"old")
    options = ["--checkpoint", "auto", "--iterations", 2, "--size", 48, *overwrite]
    done = run(*PICTURES, *options)
    assert done.code == (0 if overwrite else ExitCode.OUTPUT)
    assert KEPT.exists() != bool(overwrite)


@pytest.mark.parametrize("name", ["out.png", "content.png", "log.jsonl"])
def test_a_checkpoint_has_a_file_of_its_own(
    run: Runner, studio: Path, name: str
) -> None:
    done = run(*PICTURES, "--log", "log.jsonl", "--checkpoint", name)
    assert done.code == ExitCode.USAGE
    assert len(done.lines) == 1


def test_resuming_what_is_no_checkpoint_exits_9(run: Runner, studio: Path) -> None:
    done = run("resume", "content.png")
    assert done.code == ExitCode.CHECKPOINT
    assert len(done.lines) == 1


@pytest.mark.parametrize(
    "extra",
    [
        {"output": 5},
        {"output": "a\0.png"},
        {"output": "\ud800.png"},
        {"options": {}},
        {"options": None},
        {"other": 1},
    ],
)
def test_options_that_were_tampered_with_exit_9(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, object]
) -> None:
    with monkeypatch.context() as patched:
        interrupt_commands(patched, 1)
        run(*PICTURES, "--checkpoint", "auto", "--iterations", 2, "--size", 48)
    snapshot = LoadedCheckpoint.newest(KEPT).snapshot
    forged = replace(snapshot, extra={**snapshot.extra, **extra})
    archive.write(Path("forged"), str(forged), forged.arrays)
    done = run("resume", "forged")
    assert done.code == ExitCode.CHECKPOINT
    assert len(done.lines) == 1
    assert "unusable" in done.lines[0]


def test_scipys_history_is_said_to_restart(run: Runner, studio: Path) -> None:
    options = ["--checkpoint", "auto", "--optimizer", "lbfgsb"]
    done = run(*PICTURES, *options, "--iterations", 2, "--size", 48)
    assert "lbfgsb cannot save its history" in done.lines[0]


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_nothing(run: Runner, studio: Path) -> None:
    quick = ["--size", 60, "--iterations", 150, "--threads", 1, "--overwrite"]
    assert run(*PICTURES, "--log", "whole.jsonl", *quick).code == 0
    whole = _losses("whole.jsonl")
    assert len(whole) == 150
    random = np.random.default_rng(0)
    kept = ["--checkpoint", "auto", "--checkpoint-every", 0, "--log", "log.jsonl"]
    longest, kills, in_writing = 1.0, 0, 0
    while kills < 20:
        process = start(*PICTURES, *kept, *quick)
        _wait_for(KEPT, process)
        time.sleep(random.uniform(0, longest))
        process.kill()
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            longest /= 2
            continue
        kills += 1
        in_writing += Path(f"{KEPT}.part").exists()
        at = len(LoadedCheckpoint.newest(KEPT).snapshot.history)
        bare = _ten_losses_without_history(studio, at)
        assert run("resume", KEPT).code == 0
        after = _losses("log.jsonl")[at : at + 10]
        assert after == pytest.approx(whole[at : at + 10], rel=1e-4), at
        assert len(_losses("log.jsonl")) == 150
        assert not after or bare != pytest.approx(after, rel=1e-4), at
    assert in_writing  # some of the kills came while a checkpoint was written


def _ten_losses_without_history(folder: Path, at: int) -> list[float]:
    saved = LoadedCheckpoint.newest(KEPT).snapshot
    bare = folder / "bare.checkpoint"
    without = replace(saved, optimizer=None, arrays={"best": saved.arrays["best"]})
    archive.write(bare, str(without), without.arrays)

    def stop(progress: lightstyle.Progress) -> None:
        if progress.evaluation >= at + 10:
            raise StopIteration

    history = lightstyle.resume(bare, callback=stop).history
    return [losses.total for losses in history[at : at + 10]]
