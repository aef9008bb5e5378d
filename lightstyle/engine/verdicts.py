"""Remembers how devices did in their self-test, in a file of the cache folder.

A verdict holds for one graph and for the versions and drivers it was made with, and
expires, because some drivers change without any file that tells. A file that is damaged
or cannot be read counts as empty. One that cannot be written is left as it is: the test
is made again then.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from .. import files, model_folder
from ..errors import OutputError, UsageError
from ..settings import typed
from ..settings.scalars import number, whole

#: Name of the file.
_NAME: Final = "devices.json"

#: Verdicts that are kept, the latest.
_MOST: Final = 64

#: Most characters of the file.
_LONGEST: Final = 400_000

_DAY: Final = 24 * 60 * 60

#: Days after which a verdict counts no more. What was refused is tried again soon: a
#: library that was missing may be there.
_DAYS_PASSED: Final = 30
_DAYS_REFUSED: Final = 1


@dataclass(frozen=True)
class Verdict:
    """How a device did.

    Attributes:
        device: Name of the device.
        facts: What decides how it does, from `Offer.facts`.
        fault: Why it is refused; empty if it passed.
        rate: Positions of a picture that it evaluates a second; 0 if unknown.
        day: Days from 1970 to the test.
    """

    device: str
    facts: Mapping[str, str]
    fault: str = ""
    rate: Annotated[float, number(0)] = 0.0
    day: Annotated[int, whole(0, 10**6)] = field(
        default_factory=lambda: int(time.time() / _DAY)
    )

    @property
    def counts(self) -> bool:
        """Whether it is recent."""
        days = _DAYS_REFUSED if self.fault else _DAYS_PASSED
        return 0 <= time.time() / _DAY - self.day < days


def find(device: str, facts: Mapping[str, str]) -> Verdict | None:
    """Return the latest verdict on a device under the same circumstances."""
    wanted = device, dict(facts)
    same = (each for each in _read() if (each.device, dict(each.facts)) == wanted)
    return next(same, None)


def keep(verdict: Verdict) -> None:
    """Keep a verdict in place of an older one, where the file can be written."""
    wanted = verdict.device, dict(verdict.facts)
    others = [e for e in _read() if (e.device, dict(e.facts)) != wanted]
    kept = [asdict(each) for each in (verdict, *others)][:_MOST]
    path = _path()
    with suppress(OutputError):
        files.make_folder(path.parent)
        files.atomic_write(path, json.dumps(kept, indent=1).encode("ascii"))


def _path() -> Path:
    return model_folder.cache_folder() / _NAME


def _read() -> list[Verdict]:
    """Return all verdicts that still count, the latest first."""
    found: list[Verdict] = []
    with suppress(OSError, ValueError, UsageError):
        with _path().open("rb") as file:
            text = file.read(_LONGEST + 1).decode("ascii")
        values: Any = typed.loads(text, _LONGEST)
        found = typed.parse(list[Verdict], values, "verdicts", {})
    return [each for each in found if each.counts]
