"""Defines every error that Lightstyle raises on purpose, and its exit code.

    LightstyleError
    ├── UsageError      an option or a setting is invalid                  exit 2
    ├── ImageError      a picture cannot be read                           exit 3
    ├── ModelError      a model is missing, damaged or the wrong one       exit 4
    ├── OutputError     a file cannot be written                           exit 5
    ├── DeviceError     the device or onnxruntime is unavailable           exit 6
    ├── TransferError   the optimisation produced no picture               exit 7
    ├── NetworkError    a download failed, or the network is off           exit 8
    ├── CheckpointError a checkpoint cannot be resumed                     exit 9
    ├── ClusterError    a cluster cannot be reached, or cannot do the work exit 10
    └── BatchError      some pictures of a batch failed                    exit 1

A message is one line that says what is wrong, what was given, what was expected, and
what to do. Any other exception that escapes is a bug in Lightstyle; it exits 1, too.
"""

import signal
from enum import IntEnum
from typing import ClassVar

from .signals import Stopped as Stopped
from .text import one_line


class ExitCode(IntEnum):
    """Exit code of the command line."""

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
    CLUSTER = 10
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class LightstyleError(Exception):
    """Base of all errors that Lightstyle raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __str__(self) -> str:
        """Return the message on one line, whatever the names of files are in it."""
        return one_line(super().__str__())


class UsageError(LightstyleError):
    """An option or a setting has an invalid value."""

    exit_code = ExitCode.USAGE


class ImageError(LightstyleError):
    """A picture cannot be read or used."""

    exit_code = ExitCode.IMAGE


class ModelError(LightstyleError):
    """A model is missing, damaged, foreign, or lacks what the settings need."""

    exit_code = ExitCode.MODEL


class OutputError(LightstyleError):
    """A file cannot be written."""

    exit_code = ExitCode.OUTPUT


class DeviceError(LightstyleError):
    """The requested device, or onnxruntime itself, is unavailable."""

    exit_code = ExitCode.DEVICE


class TransferError(LightstyleError):
    """The optimisation produced no picture."""

    exit_code = ExitCode.TRANSFER


class NetworkError(LightstyleError):
    """A download failed, or the network is off."""

    exit_code = ExitCode.NETWORK


class CheckpointError(LightstyleError):
    """A checkpoint is missing or damaged, or its pictures or model have changed."""

    exit_code = ExitCode.CHECKPOINT


class ClusterError(LightstyleError):
    """A cluster cannot be reached, has other versions, or cannot do the work."""

    exit_code = ExitCode.CLUSTER


class BatchError(LightstyleError):
    """Some pictures of a batch failed; the others were made."""

    exit_code = ExitCode.SOME_FAILED


#: What is said when memory that was asked for is not there.
OUT_OF_MEMORY = (
    "out of memory: choose a smaller --size, a lower --memory or fewer --threads, or "
    "allow the process more"
)


def describe(error: BaseException) -> tuple[str, ExitCode]:
    """Return `error` as one line for a user, and its exit code."""
    if isinstance(error, KeyboardInterrupt):
        error = Stopped(signal.SIGINT)
    if isinstance(error, Stopped):
        message, code = str(error), ExitCode(error.exit_code)
    elif isinstance(error, LightstyleError):
        message, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        message, code = OUT_OF_MEMORY, ExitCode.TRANSFER
    else:
        message = f"this is a bug in lightstyle: {type(error).__name__}: {error}"
        message += " (a single run with --debug shows where)"
        code = ExitCode.BUG
    return one_line(message), code
