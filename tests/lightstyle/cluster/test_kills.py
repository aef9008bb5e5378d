"""Batches on a local cluster whose workers, and whose command, are killed at random."""

import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import psutil
import pytest

from tests.support.clusters import of_cluster
from tests.support.folders import draw, pictures
from tests.support.processes import ROOT, named, unignore, wait_for

pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads environments"),
]

COUNT = 24

#: The command, which writes checkpoints so often that every kill meets some.
COMMAND = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from lightstyle.jobs import batch
batch.SECONDS = 0.3
from lightstyle.cli.start import main
main()
"""

BATCH = [
    *("batch", "photos", "style.png", "-o", "out", "--size", "64"),
    *("--iterations", "200", "--threads", "1", "--cluster", "local"),
]


@pytest.fixture
def photos(studio: Path) -> Path:
    for number in range(COUNT):
        draw(studio / "photos" / f"{number}.png", number)
    return studio


def _start() -> Popen[str]:
    command = [sys.executable, "-c", COMMAND, str(ROOT), *BATCH]
    return Popen(command, text=True, stdout=PIPE, stderr=PIPE, preexec_fn=unignore)


def _painting() -> list[psutil.Process]:
    return named("RemoteWorker", of_cluster())


def _wait_for_painting(process: Popen[str]) -> None:
    wait_for(lambda: process.poll() is not None or _painting(), 120)


def _wait_for_checkpoint(process: Popen[str]) -> None:
    wait_for(lambda: process.poll() is not None or _checkpoints(), 120)


def _checkpoints() -> list[Path]:
    return [*Path("out").glob(".*.checkpoint*")]


def _finished(process: Popen[str]) -> list[str]:
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    made = pictures(Path("out"))
    assert len(made) == COUNT
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(made)
    return out.splitlines()


def test_five_kills_of_workers_lose_nothing(photos: Path) -> None:
    random = np.random.default_rng(1)
    process = _start()
    kills = 0
    while kills < 5 and process.poll() is None:
        _wait_for_painting(process)
        time.sleep(random.uniform(0, 3))
        if workers := _painting():
            workers[random.integers(len(workers))].kill()
            kills += 1
    lines = _finished(process)
    assert kills == 5
    assert lines[-1] == f"{COUNT} pictures: {COUNT} done, 0 skipped, 0 failed"
    assert len(lines) == COUNT + 1


def test_five_kills_of_the_command_lose_nothing(photos: Path) -> None:
    random = np.random.default_rng(2)
    kills, interrupted = 0, 0
    before: dict[str, int] = {}
    while kills < 5:
        process = _start()
        _wait_for_painting(process)
        if kills % 2:  # else it may be killed while workers start
            _wait_for_checkpoint(process)
        time.sleep(random.uniform(0, 4))
        process.kill()
        process.communicate()
        kills += process.returncode < 0
        wait_for(lambda: not of_cluster(), 60)
        finished = pictures(Path("out"))  # reads each to its end
        assert before.items() <= finished.items()
        interrupted += bool(_checkpoints())
        before = finished
    assert len(before) < COUNT
    assert interrupted
    lines = _finished(_start())
    left = COUNT - len(before)
    assert (
        lines[-1] == f"{COUNT} pictures: {left} done, {len(before)} skipped, 0 failed"
    )
    assert before.items() <= pictures(Path("out")).items()
