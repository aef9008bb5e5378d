"""Makes a finding small: fewer changes, then fewer bytes."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from .case import Case, Draw

#: Most tries for one finding, and most seconds.
TRIES: Final = 150
SECONDS: Final = 10.0

#: Whether a case still shows what was found.
Shows = Callable[[Case], bool]


def shrunk(found: Draw, shows: Shows) -> Case:
    """Return the smallest case that was found to show the same.

    Args:
        found: A draw that shows it.
        shows: Tells whether a case does.
    """
    budget = _Budget(shows)
    simpler = True
    while simpler:
        simpler = False
        for each in found.simpler():
            if budget(each.mangled()):
                found, simpler = each, len(each.steps) > 1
                break
    return _cut(found.mangled(), budget)


class _Budget:
    """Tries cases until the tries or the time are used up."""

    def __init__(self, shows: Shows) -> None:
        self._shows, self._tries = shows, TRIES
        self._end = time.monotonic() + SECONDS

    def __call__(self, case: Case) -> bool:
        self._tries -= 1
        return self.is_left and self._shows(case)

    @property
    def is_left(self) -> bool:
        return self._tries > 0 and time.monotonic() < self._end


def _cut(case: Case, budget: _Budget) -> Case:
    """Leave out pieces, large ones first, as long as it still shows."""
    length = len(case.data) // 2
    while length and budget.is_left:
        at = 0
        while at < len(case.data) and budget.is_left:
            data = case.data[:at] + case.data[at + length :]
            if budget(replace(case, data=data)):
                case = replace(case, data=data)
            else:
                at += length
        length //= 2
    return case
