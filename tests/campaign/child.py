"""A command in a forked process, under limits."""

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Final

from lightstyle.cli.app import main

#: Seconds after which a command is killed.
SECONDS: Final = 20.0

#: Address space that a command may take beside what the parent holds, and the largest
#: file that it may write.
MEMORY: Final = 4 * 2**30
FILE: Final = 2**30

#: Exit code of a command that ended with an exception.
ESCAPED: Final = 97


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    Attributes:
        code: Exit code; negative for the signal that killed it.
        out: What it printed on stdout.
        err: What it printed on stderr.
        seconds: How long it took.
        peak: Most memory that was resident, in bytes.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    peak: int


def run(work: Callable[[], None]) -> Outcome:
    """Run `work` in a child of this process, which it cannot harm."""
    with TemporaryFile() as out, TemporaryFile() as err:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _carry_out(work, out, err)
        _, status, usage = os.wait4(child, 0)
        with suppress(ProcessLookupError):  # whatever it has left running
            os.killpg(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        peak = usage.ru_maxrss * 1024
        return Outcome(code, _contents(out), _contents(err), seconds, peak)


def command(arguments: Sequence[str]) -> Outcome:
    """Run the command line on `arguments`."""
    return run(lambda: main([*arguments]))


def _carry_out(work: Callable[[], None], out: IO[bytes], err: IO[bytes]) -> None:
    code = ESCAPED
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, out.fileno(), err.fileno())):
            os.dup2(source, target)
        _limit()
        work()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _limit() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        held = int(file.read().split()[0]) * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_AS, held + MEMORY),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)


def _contents(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(2**22)
