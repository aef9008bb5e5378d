"""The command, and scripts, in processes of their own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from lightstyle.signals import SIGNALS

ROOT = Path(__file__).parents[2]


def start(*arguments: object, **pipes: Any) -> subprocess.Popen[str]:
    """The command in the current folder, its stderr in a pipe."""
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, arguments)]
    pipes = {"stderr": subprocess.PIPE, "preexec_fn": unignore, **pipes}
    return subprocess.Popen(command, text=True, **pipes)


def start_script(
    script: str, *arguments: object, **pipes: Any
) -> subprocess.Popen[str]:
    """Python code, which finds the package and its tests."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, text=True, cwd=ROOT, preexec_fn=unignore, **pipes)


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """The same to its end, with what it printed."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def unignore() -> None:
    """Whoever starts the tests in the background may have had signals ignored."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def endless(*arguments: object) -> None:
    """The target of a process that does nothing."""
    while True:
        time.sleep(1)


def named(word: str, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those with a word in their command lines, but for those that have died."""
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if word in " ".join(process.cmdline()):
                found.append(process)
    return found


def painting(process: int | None = None) -> list[psutil.Process]:
    """Those that paint for a process, by default for this one, and have not died."""
    return named("spawn_main", psutil.Process(process).children())


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Look until it is so, for a minute at most."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)
