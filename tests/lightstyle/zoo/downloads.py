"""A file to download, and what a download of it did."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lightstyle.digest import Expected
from lightstyle.errors import LightstyleError
from lightstyle.zoo.download import Patience

DATA = np.random.default_rng(1).bytes(50_000)
OTHER = np.random.default_rng(2).bytes(50_000)
HALF = 20_000
EXPECTED = Expected(len(DATA), "md5", hashlib.md5(DATA).hexdigest())

PATIENCE = Patience(timeout=20, attempts=3, pause=0.01)
IMPATIENCE = Patience(timeout=3, attempts=3, pause=0.01)


@dataclass
class Fetched:
    """What a download did: the error if any, the notes, the bytes reported."""

    path: Path
    error: LightstyleError | None = None
    notes: list[str] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.path.read_bytes() == DATA


#: Of a URL, what is expected, and patience; each has a default.
Get = Callable[..., Fetched]
