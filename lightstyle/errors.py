"""Every error that Lightstyle raises on purpose, and the exit code of each family.

    LightstyleError
    ├── UsageError      an option or a setting that cannot be used         exit 2
    ├── ImageError      a picture that cannot be read                      exit 3
    ├── ModelError      a model that is missing, broken or the wrong one   exit 4
    ├── OutputError     a file that cannot be written                      exit 5
    ├── DeviceError     a device or onnxruntime that is not there          exit 6
    ├── TransferError   an optimisation that produced no picture           exit 7
    ├── NetworkError    a download that no server gave, or that is off     exit 8
    ├── CheckpointError a checkpoint that cannot be continued              exit 9
    └── BatchError      some pictures of many that failed                  exit 1

A message is one line that says what is wrong, what was given, what was expected, and
what to do. Anything else that escapes is a bug in Lightstyle and exits 1, too.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the command line returns to the shell."""

    OK = 0
    BUG = 1
    SOME_FAILED = 1
    USAGE = 2
    IMAGE = 3
    MODEL = 4
    OUTPUT = 5
    DEVICE = 6
    TRANSFER = 7
    NETWORK = 8
    CHECKPOINT = 9
    INTERRUPTED = 130
    TERMINATED = 143


class LightstyleError(Exception):
    """Base of all errors that a caller of Lightstyle may want to catch."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG


class UsageError(LightstyleError):
    """An option or a setting has a value that cannot be used."""

    exit_code = ExitCode.USAGE


class ImageError(LightstyleError):
    """A picture cannot be read, or is not one that can be worked with."""

    exit_code = ExitCode.IMAGE


class ModelError(LightstyleError):
    """A model is missing, damaged, foreign, or built without what is asked of it."""

    exit_code = ExitCode.MODEL


class OutputError(LightstyleError):
    """A file cannot be written where it was asked for."""

    exit_code = ExitCode.OUTPUT


class DeviceError(LightstyleError):
    """The device asked for, or onnxruntime itself, is not usable."""

    exit_code = ExitCode.DEVICE


class TransferError(LightstyleError):
    """The optimisation could not produce a picture."""

    exit_code = ExitCode.TRANSFER


class NetworkError(LightstyleError):
    """Something must be downloaded, and no server gives it or the network is off."""

    exit_code = ExitCode.NETWORK


class CheckpointError(LightstyleError):
    """A checkpoint is missing or damaged, or is of other pictures or another model."""

    exit_code = ExitCode.CHECKPOINT


class BatchError(LightstyleError):
    """Of many pictures some failed; the others were made."""

    exit_code = ExitCode.SOME_FAILED


def describe(error: BaseException) -> tuple[str, ExitCode]:
    """Return `error` as one line for a user, and its exit code."""
    if isinstance(error, KeyboardInterrupt):
        message, code = "interrupted", ExitCode.INTERRUPTED
    elif isinstance(error, LightstyleError):
        message, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        message, code = "out of memory: choose a smaller --size", ExitCode.TRANSFER
    else:
        message = f"this is a bug in lightstyle: {type(error).__name__}: {error}"
        message += " (a single run with --debug shows where)"
        code = ExitCode.BUG
    return " ".join(message.split()), code
