"""Disks that fill up while a run writes."""

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightstyle import Progress
from lightstyle.errors import ExitCode, OutputError
from lightstyle.files import Draft
from lightstyle.records import archive
from lightstyle.records.record import Record
from lightstyle.transfer import timelapse
from tests.conftest import Runner
from tests.support.transfers import interrupt_commands

QUICK = ["--size", "48", "--iterations", "40"]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png", *QUICK]


@contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """Make writing more fail, as it does on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _errors(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("error: ")]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_log_that_fills_its_disk_does_not_lose_the_picture(
    run: Runner, studio: Path, quiet: list[str]
) -> None:
    with _no_file_larger_than(9000):
        done = run(*STYLIZE, "--log", "log.jsonl", *quiet)
    assert done.code == ExitCode.OUTPUT
    assert _errors(done.lines) == ["error: log log.jsonl: File too large"]
    assert quiet == [] or len(done.lines) == 1
    assert not any(line.startswith("wrote") for line in done.lines)
    assert Record.read("out.png").evaluations == 40
    entries = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [each["evaluation"] for each in entries] == [*range(1, len(entries) + 1)]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--save-every", "2"], "out_0002.png"),
        (["--save-every", "2", "--log", "log.jsonl"], "out_0002.png"),
        (["--timelapse", "film.webp"], "film.webp"),
    ],
)
def test_what_cannot_be_written_is_told_once_and_the_run_goes_on(
    run: Runner,
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    named: str,
) -> None:
    def full(*arguments: object, **others: object) -> None:
        raise OutputError(f"cannot write {named}: No space left on device")

    monkeypatch.setattr(Progress, "save", full)
    monkeypatch.setattr(timelapse._Film, "add", full)
    done = run(*STYLIZE, *options)
    assert done.code == ExitCode.OUTPUT
    assert _errors(done.lines) == [
        f"error: cannot write {named}: No space left on device"
    ]
    assert Record.read("out.png").evaluations == 40
    assert not [*studio.glob(".lightstyle*")]
    if "--log" in options:
        assert "wrote log log.jsonl" in done.lines
        assert len(Path("log.jsonl").read_text().splitlines()) == 40


def test_a_bug_in_the_film_does_not_lose_the_picture(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelapse._Film, "add", lambda *_: 1 / 0)
    done = run(*STYLIZE, "--timelapse", "film.webp")
    assert done.code == ExitCode.BUG
    assert "ZeroDivisionError" in _errors(done.lines)[0]
    assert Record.read("out.png").evaluations == 40


def test_a_film_longer_than_its_format_holds_is_given_up(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelapse, "_MOST_BYTES", 5000)
    done = run(*STYLIZE, "--timelapse", "film.webp")
    assert done.code == ExitCode.OUTPUT
    assert "choose a larger --save-every" in _errors(done.lines)[0]
    assert Record.read("out.png").evaluations == 40
    assert not Path("film.webp").exists()


def test_a_picture_takes_the_space_of_the_film(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Draft.publish

    def publish(draft: Draft) -> None:
        if [*studio.glob(".lightstyle*.tmp")][1:]:  # the film's is there, too
            raise OutputError(f"cannot write {draft._path}: No space left on device")
        whole(draft)

    monkeypatch.setattr(Draft, "publish", publish)
    done = run(*STYLIZE, "--timelapse", "film.webp")
    assert done.code == ExitCode.OUTPUT
    assert len(_errors(done.lines)) == 1
    assert Record.read("out.png").evaluations == 40
    assert not Path("film.webp").exists()


def _fill_disk_of_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OutputError("checkpoint c cannot be written: No space left on device")

    monkeypatch.setattr(archive, "write", full)


def test_a_checkpoint_that_cannot_be_written_is_an_error_of_its_own(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill_disk_of_checkpoints(monkeypatch)
    done = run(*STYLIZE, "--checkpoint", "c", "--checkpoint-every", "0", "--quiet")
    assert done.code == ExitCode.OUTPUT
    (line,) = done.lines
    assert line.startswith("error: checkpoint c cannot be written: No space left")
    assert Record.read("out.png").evaluations == 40


def test_a_run_that_ends_without_its_checkpoint_does_not_promise_to_go_on(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill_disk_of_checkpoints(monkeypatch)
    interrupt_commands(monkeypatch, 3)
    done = run(*STYLIZE, "--checkpoint", "c")
    assert done.code == ExitCode.INTERRUPTED
    assert not any("to continue" in line for line in done.lines)


@pytest.mark.parametrize("length", [236, 247, 251, 255])
def test_a_name_without_room_for_its_suffix_is_refused_before_the_work(
    run: Runner, studio: Path, length: int
) -> None:
    before = sorted(studio.iterdir())
    output = f"{'x' * (length - 4)}.png"
    given = ["--checkpoint", "auto" if length == 236 else "y" * length]
    command = ["stylize", "content.png", "style.png", *QUICK, *given]
    done = run(*command, "-o", output if length == 236 else "out.png")
    assert done.code == ExitCode.OUTPUT
    assert "File name too long; choose another name" in done.lines[-1]
    assert len(_errors(done.lines)) == 1
    assert sorted(studio.iterdir()) == before
