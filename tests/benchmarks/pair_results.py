"""Results of `pairs`, a line of JSON each, kept as they come."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.pair_cases import Pair, Variant


@dataclass(frozen=True)
class Line:
    """What was measured of one picture.

    Attributes:
        content: Stem of the content.
        style: Stem of the style.
        variant: Name of the variant.
        curve: Curve of the variant.
        made: What the numbers depend on: model, judge, size, settings.
        seconds: Time of the run, if there was one.
        measures: The numbers.
    """

    content: str
    style: str
    variant: str
    curve: str
    made: dict[str, Any]
    seconds: float | None
    measures: dict[str, Any] = field(repr=False)

    @property
    def pair(self) -> str:
        return f"{self.content}_{self.style}"


class Results:
    """The lines of a file, which several processes may write.

    A line that was cut off, with the process that wrote it, is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.lines = path, dict[tuple[str, str], Line]()
        text = path.read_text("utf-8") if path.exists() else ""
        for written in text.splitlines():
            try:
                line = Line(**json.loads(written))
            except (ValueError, TypeError):
                continue
            self.lines[line.pair, line.variant] = line

    def missing(self, pair: Pair, variant: Variant, made: dict[str, Any]) -> bool:
        """Whether a picture has still to be made.

        Raises:
            ValueError: It is there, but was made in another way.
        """
        line = self.lines.get((pair.name, variant.name))
        if line is None:
            return True
        differing = _differing(line.made, made)
        if differing:
            raise ValueError(
                f"{self._path} has {variant.name!r} of {pair.name} with another "
                f"{', '.join(differing)}: choose another --out, or remove those lines"
            )
        return False

    def add(self, line: Line) -> None:
        """Keep a line, in one write at the end of the file."""
        self.lines[line.pair, line.variant] = line
        data = json.dumps(asdict(line)).encode()
        with self._path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            cut = file.read(1) not in (b"", b"\n")
            file.write(b"\n" * cut + data + b"\n")

    def of(self, pairs: Iterable[Pair]) -> dict[str, dict[str, Line]]:
        """Lines by variant, in the order in which they came, and by pair."""
        wanted = {pair.name for pair in pairs}
        found: dict[str, dict[str, Line]] = {}
        for (pair, variant), line in self.lines.items():
            if pair in wanted:
                found.setdefault(variant, {})[pair] = line
        return found


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What two have with other values; a setting that one did not know is no matter."""
    found = []
    for key in old.keys() & new.keys():
        if isinstance(old[key], dict) and isinstance(new[key], dict):
            found += _differing(old[key], new[key])
        elif old[key] != new[key]:
            found.append(key)
    return sorted(found)
