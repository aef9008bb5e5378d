"""Says what is wrong with an outcome, if anything is."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Final

from lightstyle.errors import ExitCode

from .case import Case
from .child import Outcome
from .stage import Changes

#: Longest line that a user is told.
LONGEST: Final = 400

#: Most memory that a file of the campaign may cost, all of which are small.
MEMORY: Final = 2 * 10**9

#: Codes of errors; a batch has one more, for pictures that failed.
_ERRORS: Final = frozenset(ExitCode) - {
    *(ExitCode.OK, ExitCode.BUG, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
}
_BATCH: Final = "batch"

#: Where models are kept that settings ask for, whatever becomes of the run.
_VARIANTS: Final = "cache/variants/*"

#: What no user should read.
_BUGS: Final = ("this is a bug", "Traceback", "Exception ignored", "Warning:")


def problems(case: Case, outcome: Outcome, changes: Changes) -> Iterator[str]:
    """Yield what is wrong, the worst first."""
    code = outcome.code
    is_batch = case.arguments[0] == _BATCH
    failed = is_batch and code == ExitCode.SOME_FAILED
    if code < 0:
        yield f"killed by signal {-code} after {round(outcome.seconds)} s"
        return
    if outcome.peak > MEMORY:
        yield f"took {outcome.peak / 1e9:.1f} GB of memory"
    lines = outcome.err.decode("utf-8", "backslashreplace").splitlines()
    if bug := next((n for n in lines if any(words in n for words in _BUGS)), None):
        yield f"told a bug: {lines[-1] if 'Traceback' in bug else bug}"
    if not (code == 0 or code in _ERRORS or failed):
        yield f"exit code {code}"
    errors = [line for line in lines if line.startswith("error: ")]
    if code in _ERRORS and len(errors) != 1:
        yield f"{len(errors)} lines of errors"
    if code in _ERRORS and not case.is_talkative and (more := _others(lines)):
        yield f"prints beside the error: {more[0]!r}"
    for line in lines:
        if len(line) > LONGEST:
            yield f"a line of {len(line)} characters: {line[:80]}"
        if not line.isprintable():
            yield f"prints control characters: {line!a}"
    out = outcome.out.decode("utf-8", "backslashreplace")
    if not out.replace("\n", "").isprintable():
        yield "prints control characters on stdout"
    yield from _left(case, changes, code, code in (0, ExitCode.TRANSFER) or failed)


def _others(lines: list[str]) -> list[str]:
    known = ("error: ", "note: ")
    return [line for line in lines if not line.startswith(known)]


def _left(case: Case, changes: Changes, code: int, may_write: bool) -> Iterator[str]:
    for path in changes.new:
        allowed = any(fnmatch(path, pattern) for pattern in case.outputs)
        is_kept = (allowed and may_write) or fnmatch(path, _VARIANTS)
        if not is_kept or PurePath(path).name.startswith("."):
            yield f"leaves the file {path} with exit code {code}"
    for path in changes.changed:
        if not (may_write and any(fnmatch(path, each) for each in case.outputs)):
            yield f"changes the file {path} with exit code {code}"


def signature(case: Case, problem: str) -> str:
    """Return what tells a problem from others, whatever the numbers and names in it."""
    plain = re.sub(r"'.*'|\".*\"|[0-9a-f]{12,}", "…", problem)
    plain = re.sub(r"-?\d[\d.,e+]*", "#", plain)
    return f"{case.kind}: {case.arguments[0]}: {plain[:120]}"
