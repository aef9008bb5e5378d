"""A case: one mangled file and the command line that takes it."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from .commands import command
from .kinds import Kind
from .raw import Mutator, any_raw

#: Where findings are saved. Git ignores it.
FINDINGS: Final = Path(__file__).parent / "findings"

#: The folders of an absolute path.
_FOLDERS: Final = re.compile(r"(?<![\w.])/(?:[^/\s:]+/)+")

#: How a case whose file is that of another kind is made.
_SWAPPED: Final = 0.02


@dataclass(frozen=True)
class Case:
    """A file, and a command that takes it.

    Attributes:
        kind: Kind of file.
        arguments: Command line.
        path: Where the file lies in the stage.
        data: What it contains.
        outputs: Patterns of the files that the command may leave.
    """

    kind: str
    arguments: tuple[str, ...]
    path: str
    data: bytes
    outputs: tuple[str, ...]

    @property
    def is_talkative(self) -> bool:
        """Whether the command says more than errors."""
        name = self.arguments[0]
        return name == "batch" or ("--quiet" not in self.arguments and name != "info")

    def __str__(self) -> str:
        """Return the command line, and what the file is."""
        return f"lightstyle {' '.join(self.arguments)}  ({len(self.data)} bytes)"

    def save(self, found: str, name: str) -> Path:
        """Save the case, with what was found, to be replayed; return the path.

        A finding may become a seed: folders of this machine are left out of its text.
        """
        FINDINGS.mkdir(exist_ok=True)
        path = FINDINGS / f"{name}.json"
        packed = base64.b64encode(zlib.compress(self.data, 9)).decode()
        values = {**asdict(self), "data": packed, "found": _FOLDERS.sub("", found)}
        path.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> "Case":
        """Load a case that was saved."""
        values = json.loads(path.read_text("utf-8"))
        values.pop("found")
        for name in ("arguments", "outputs"):
            values[name] = tuple(values[name])
        return cls(
            **{**values, "data": zlib.decompress(base64.b64decode(values["data"]))}
        )


@dataclass(frozen=True)
class Draw:
    """How a case came to be: a good file, and mutators, each with a seed of its own.

    Attributes:
        case: The case with the good file.
        steps: Seed and mutator of each change.
    """

    case: Case
    steps: tuple[tuple[str, Mutator], ...]

    def mangled(self) -> Case:
        """Return the case with all changes."""
        data = self.case.data
        for seed, mutate in self.steps:
            try:
                data = mutate(Random(seed), data)
            except Exception:  # an earlier change has left nothing that it knows
                data = any_raw(Random(seed), data)
        return replace(self.case, data=data)

    def simpler(self) -> Iterator["Draw"]:
        """Yield draws with fewer changes, those with one first."""
        if len(self.steps) > 1:
            for step in self.steps:
                yield replace(self, steps=(step,))
            for step in self.steps:
                yield replace(self, steps=tuple(s for s in self.steps if s != step))


def draw(kind: Kind, number: int, seed: int, others: list[bytes]) -> Draw:
    """Draw the case of that number of a campaign; equal numbers give equal cases.

    Args:
        kind: Kind of file.
        number: Number of the case, from 0.
        seed: Seed of the campaign.
        others: Good files of other kinds, to be taken for this one.
    """
    key = f"{seed}/{kind.name}/{number}"
    random = Random(key)
    path, data = random.choice([*kind.seeds.items()])
    if random.random() < _SWAPPED:
        data = random.choice(others)
    line = command(random.choice(kind.commands), path)
    case = Case(kind.name, line.arguments, path, data, line.outputs)
    count = random.choice((1, 1, 1, 2, 3))
    mutators = (*kind.mutators, any_raw)
    steps = tuple((f"{key}/{n}", random.choice(mutators)) for n in range(count))
    return Draw(case, steps)
