"""SIGINT, SIGTERM and SIGHUP, which end a command with a code of their own.

SIGHUP says that the terminal was closed. A signal that is ignored when the command
starts, as ``nohup`` has it, stays ignored.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

#: What is said when a signal ended the command, by its number.
_WORDS: Final = {1: "the terminal was closed", 2: "interrupted", 15: "terminated"}


class Stopped(BaseException):
    """A signal ended the command.

    Attributes:
        exit_code: Exit code of the command line.
    """

    def __init__(self, number: int) -> None:
        """Take the `number` of the signal."""
        super().__init__(_WORDS[number])
        self.exit_code = 128 + number


#: The signals that end a command; Windows has no SIGHUP.
SIGNALS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)

#: A handler, as the module `signal` calls it.
Handler = Callable[[int, FrameType | None], None]


def catch(handler: Handler) -> dict[int, Any]:
    """Have `handler` called on each signal that is not ignored.

    Returns:
        The previous handlers by signal; empty outside the main thread, where none can
        be set.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    return {each: signal.signal(each, handler) for each in heard}


@contextmanager
def raising() -> Iterator[None]:
    """Have the first signal raise `Stopped`, so that everything is cleaned up.

    A second one ends the process at once, and so does one after the context, while
    Python shuts down.
    """
    came = False

    def take(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            _end(Stopped(number))
        came = True
        raise Stopped(number)

    def swallowed(fault: Any) -> None:
        """End where nothing can be raised, such as in callbacks of imports."""
        if isinstance(fault.exc_value, Stopped):
            _end(fault.exc_value)
        sys.__unraisablehook__(fault)

    sys.unraisablehook = swallowed
    catch(take)
    try:
        yield
    except BaseException as error:
        if (stopped := stop_behind(error)) is not None:
            _end(stopped)
        raise
    finally:
        came = True


def stop_behind(error: BaseException) -> Stopped | None:
    """Return the signal that led to `error`, if one did.

    A library may have made an error of its own of it.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Stopped):
        cause = cause.__cause__ or cause.__context__
    return cause


def _end(stopped: Stopped) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody can read it
        print(stopped, file=sys.stderr, flush=True)
    os._exit(stopped.exit_code)
