"""Signals before a run has a picture: one line, and the documented code."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode, Stopped
from lightstyle.signals import SIGNALS, stop_behind
from tests.support.cpus import needs_two_cpus
from tests.support.folders import draw
from tests.support.processes import ROOT, start, start_script, unignore, wait_for

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc"
)

WORDS = ["interrupted", "terminated", "the terminal was closed"]
SAID = [*zip(SIGNALS, WORDS, strict=True)]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png", "--quiet"]
BATCH = ["batch", "photos", "style.png", "-o", "out", "--quiet"]
COMPARE = ["compare", "style.png", "--content", "content.png"]
EXPORT = ["export", "--weights", "a.h5", "-o", "a.onnx"]

#: Runs the command of its arguments, in which a function never returns.
ENDLESS = """
import importlib, os, sys, time
folder, module, name, *sys.argv[1:] = sys.argv[1:]
os.chdir(folder)
from lightstyle.cli.start import main
def endless(*arguments, **options):
    open("begun", "w").close()
    while True:
        time.sleep(0.01)
*owners, name = name.split(".")
owner = importlib.import_module(module)
for each in owners:
    owner = getattr(owner, each)
setattr(owner, name, endless)
main()
"""

#: Has a signal come where nothing can be raised, and where a library hides it.
HIDDEN = """
import os, signal
from lightstyle.signals import raising
class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
with raising():
    thing = Thing()
    del thing
    print("went on")
"""


def _catches(process: int) -> bool:
    """Whether a process has handlers of all signals."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return all(caught >> (number - 1) & 1 for number in SIGNALS)


@pytest.mark.parametrize(("number", "words"), SAID)
def test_a_signal_during_imports(
    studio: Path, number: signal.Signals, words: str
) -> None:
    for seconds in (0.0, 0.1, 0.3):
        process = start(*STYLIZE, "--iterations", 100000, "--size", 60)
        wait_for(partial(_catches, process.pid))
        time.sleep(seconds)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert errors.splitlines() in ([words], [])


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        ("lightstyle.images", "load", STYLIZE),
        ("lightstyle.zoo.registry", "load", STYLIZE),
        ("lightstyle.zoo.registry", "_variant", [*STYLIZE, "--pooling", "average"]),
        ("lightstyle.engine.plan", "Planner.choose", STYLIZE),
        ("lightstyle.transfer.job", "Plans", STYLIZE),
        ("lightstyle.zoo.registry", "load", BATCH),
        ("lightstyle.engine.plan", "Planner.choose", BATCH),
        ("lightstyle.quality.judge", "Judge.judge", COMPARE),
        ("export.cli", "export_model", EXPORT),
    ],
)
def test_a_signal_while_something_takes_its_time(
    studio: Path, module: str, name: str, command: list[str]
) -> None:
    Path("photos").mkdir()
    Path("photos/a.png").symlink_to(Path("content.png").absolute())
    arguments = [studio, module, name, *command]
    process = start_script(ENDLESS, *arguments, stderr=subprocess.PIPE)
    wait_for(lambda: Path("begun").exists() or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == ExitCode.TERMINATED
    assert errors.splitlines()[-1:] in (["terminated"], [])
    assert "Traceback" not in errors


def test_a_signal_that_cannot_raise_ends_all_the_same() -> None:
    process = start_script(HIDDEN, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (143, "", "terminated\n")


def test_what_a_library_made_of_a_signal_is_the_signal() -> None:
    stopped, made = Stopped(signal.SIGHUP), ImportError("failed to import")
    made.__context__ = stopped
    assert stop_behind(made) is stopped
    assert stop_behind(ImportError()) is None


def test_what_nohup_ignores_stays_ignored(studio: Path) -> None:
    code = "import signal, os, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    code += "; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", code, str(ROOT / "cli.py"), *STYLIZE]
    options = ["--size", "48", "--iterations", "40", "--log", "log.jsonl"]
    with subprocess.Popen([*command, *options]) as process:
        wait_for(lambda: Path("log.jsonl").exists() or process.poll() is not None)
        process.send_signal(signal.SIGHUP)
    assert process.returncode == ExitCode.OK
    assert Path("out.png").exists()


def _close_terminal(command: list[str], ready: Callable[[], bool]) -> int:
    """Run a command in a terminal that is closed once it is `ready`; its exit code."""
    child, terminal = pty.fork()
    if child == 0:  # the leader of a session, which has the terminal
        unignore()
        os.execv(sys.executable, [sys.executable, str(ROOT / "cli.py"), *command])

    def is_ready() -> bool:
        if select.select([terminal], [], [], 0)[0]:
            os.read(terminal, 2**16)  # a terminal that is full would block it
        return ready()

    wait_for(is_ready)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_terminal_that_is_closed_keeps_picture_and_run(studio: Path) -> None:
    options = ["--iterations", "100000", "--checkpoint", "auto", "--log", "log.jsonl"]
    code = _close_terminal([*STYLIZE[:-1], *options], Path("log.jsonl").exists)
    assert code == ExitCode.HUNG_UP
    assert Path("out.png").exists()
    assert Path("out.png.checkpoint").exists()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=needs_two_cpus)])
def test_a_terminal_that_is_closed_keeps_what_a_batch_has_finished(
    studio: Path, workers: str
) -> None:
    for number in range(12):
        draw(studio / "photos" / f"{number:02}.png", number)
    options = ["--size", "60", "--iterations", "40", "--threads", "2"]
    options += ["--workers", workers, "--failures", "failed.jsonl"]
    code = _close_terminal([*BATCH[:-1], *options], Path("out/00.png").exists)
    assert code == ExitCode.HUNG_UP
    assert 0 < len([*Path("out").iterdir()]) < 12
    assert Path("failed.jsonl").read_text() == ""
