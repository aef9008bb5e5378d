"""Requests that no machine could fulfil end at once, and say what to lower."""

import os
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode
from lightstyle.records.record import Record
from tests.conftest import Runner
from tests.support.processes import start

STYLIZE = ["stylize", "content.png", "style.png", "--enlarge", "-o", "out.png"]
TEXTURE = ["texture", "style.png", "-o", "out.png"]


@pytest.mark.parametrize(
    ("command", "size", "words"),
    [
        (TEXTURE, "1000000000x1000000000", "at most 1000000"),
        (TEXTURE, f"{'9' * 5000}x64", "needs WIDTHxHEIGHT"),
        (TEXTURE, "1000000x1000000", "needs at least"),
        (STYLIZE, "1000000000", "at most 1000000"),
        (STYLIZE, "1000000", "needs at least"),
    ],
)
def test_a_size_beyond_all_memory_is_refused(
    run: Runner, studio: Path, command: list[str], size: str, words: str
) -> None:
    done = run(*command, "--size", size)
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert words in line
    assert not Path("out.png").exists()


def test_threads_beyond_the_cpus_are_lowered_with_a_note(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.engine.threads.available_cpus", lambda: 1)
    quick = ["--size", 48, "--iterations", 1, "--threads", 512]
    done = run(*STYLIZE, *quick)
    assert done.code == ExitCode.OK
    assert done.lines[0] == "note: threads is 512, lowered to the 1 CPUs in use"
    assert Record.read("out.png").environment["threads"] == 1
    assert run(*STYLIZE, *quick, "--quiet", "--overwrite").lines == []
    batch = ["batch", "[c]ontent.png", "style.png", "-o", "out", *quick]
    assert run(*batch).lines[0] == done.lines[0]


def test_a_style_beyond_the_memory_is_refused(run: Runner, studio: Path) -> None:
    quick = ["--size", 48, "--iterations", 1, "--style-scale", 100]
    done = run(*STYLIZE, *quick, "--memory", "1GB")
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert "needs at least" in line
    assert "--style-scale" in line


def test_a_style_beyond_what_is_free_is_refused(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.engine.memory.resident", lambda: 300 * 10**6)
    monkeypatch.setattr("lightstyle.engine.memory.available", lambda: 500 * 10**6)
    monkeypatch.setattr("lightstyle.engine.memory.total", lambda: 16 * 10**9)
    quick = ["--size", 48, "--iterations", 1, "--style-scale", 100]
    done = run(*STYLIZE, *quick)
    assert done.code == ExitCode.USAGE
    assert "lower --style-scale" in done.lines[-1]


def test_a_large_style_is_forecast_before_anything_large_is_allocated(
    run: Runner, studio: Path
) -> None:
    def forecast(scale: int) -> tuple[float, int]:
        quick = ["--size", 48, "--iterations", 1, "--dry-run", "--style-scale", scale]
        process = start(*STYLIZE, *quick, "--memory", "8GB", stdout=-1)
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout as out, process.stderr:
            rows = dict(line.split(maxsplit=1) for line in out.read().splitlines())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == ExitCode.OK
        return float(rows["memory"].split()[0]), used.ru_maxrss

    (small, before), (large, after) = forecast(1), forecast(40)
    assert large > small + 0.3
    assert after < 1.3 * before
