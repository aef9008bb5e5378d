"""A share of a batch for one of several machines, which need not know of each other.

A picture belongs to a shard by a digest of its path below the folder. So it stays in
its shard whatever other pictures come or go, and wherever the folder lies.
"""

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from ..errors import UsageError
from ..text import shown
from .inputs import InputFile

#: Most shards: more than there are tasks in an array of any scheduler.
_MOST: Final = 10**6


@dataclass(frozen=True)
class Shard:
    """One of several shares of about the same number of pictures.

    Attributes:
        number: Which one, from 1.
        count: How many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``2/8``, the second of eight.

        Raises:
            UsageError: It is not such a text.
        """
        found = re.fullmatch(r"(\d{1,7})/(\d{1,7})", text, re.ASCII)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count <= _MOST:
            raise UsageError(
                f"shard is {shown(text)}, expected I/N such as 2/8, the second of "
                "eight; I is counted from 1"
            )
        return cls(number, count)

    def holds(self, file: InputFile) -> bool:
        """Return whether a picture belongs to the shard."""
        path = file.path.relative_to(file.root).as_posix()
        digest = int.from_bytes(sha256(os.fsencode(path)).digest()[:8])
        return digest % self.count == self.number - 1


#: The only one, which holds all pictures.
WHOLE: Final = Shard(1, 1)
