"""What ONNX Runtime says of a fault, as a reason on one line: without codes and places.

A message names files, and what is in them, which may be of any length and any
characters.
"""

import re
from typing import Final

from ..text import printable

#: Most characters of a reason that are shown.
LONGEST: Final = 200

#: What ends a code.
_CODE: Final = " : "

#: What precedes the reason where a library could not be loaded.
_LOADING: Final = "with error: "

#: What precedes the reason where a graph could not be loaded.
_CODES_AND_PLACES: Final = re.compile(
    rf"{_CODE}|failed:|was false\. |\.cc:\d+ \w+ |onnxruntime::[\w:]+\([^)]*\) "
)


def of_graph(error: Exception) -> str:
    """Return why a graph could not be loaded."""
    said = _CODES_AND_PLACES.split(_first_line(error))[-1]
    return printable(said.strip().rstrip("."), LONGEST)


def of_library(error: Exception) -> str:
    """Return why the library of a plugin could not be loaded."""
    said = _first_line(error).rpartition(_LOADING)[2].rpartition(_CODE)[2]
    return printable(said.rstrip("."), LONGEST)


def of_run(error: Exception) -> str:
    """Return why a graph could not be run, in full."""
    return printable(_first_line(error), LONGEST)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
