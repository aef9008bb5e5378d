"""A campaign: draws cases of all kinds by turns, and prints a table at the end."""

import gc
import importlib
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from typer.main import get_command

from lightstyle.cli.app import app, main
from lightstyle.cli.console import columns
from lightstyle.errors import UsageError

from . import child, verdict
from .case import Case, Draw, draw
from .commands import command
from .kinds import Kind, all_kinds
from .shrink import shrunk
from .stage import Stage


@dataclass
class Tally:
    """How many cases were tried, how many files were taken for good, and the time."""

    tried: int = 0
    taken: int = 0
    seconds: float = 0.0

    def count(self, code: int, seconds: float) -> None:
        """Count a case."""
        self.tried += 1
        self.taken += code == 0
        self.seconds += seconds

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            self.tried + other.tried,
            self.taken + other.taken,
            self.seconds + other.seconds,
        )

    @property
    def cells(self) -> tuple[str, str, str]:
        """What a table shows."""
        speed = self.tried / (self.seconds or 1)
        return str(self.tried), str(self.taken), f"{speed:.1f}"


class Campaign:
    """Tries cases in a folder of their own.

    Attributes:
        kinds: Kinds of files that cases are drawn from.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        """Fill the folder `root`.

        Args:
            root: An empty folder, which becomes the current one.
            only: Name of the only kind to draw from.

        Raises:
            UsageError: There is no such kind.
        """
        self._stage = Stage(root)
        every = all_kinds(self._stage)
        names = ", ".join(kind.name for kind in every)
        self.kinds = [kind for kind in every if only in (None, kind.name)]
        if not self.kinds:
            raise UsageError(f"--only {only}: expected one of {names}")
        self._seeds = {k.name: [*k.seeds.values()] for k in every}
        self._found: dict[str, tuple[str, Path]] = {}

    def run(self, seconds: float, seed: int) -> int:
        """Try cases for so long; return 1 if anything was found."""
        self._warm()
        end = time.monotonic() + seconds
        tallies = {kind.name: Tally() for kind in self.kinds}
        for number in count():
            for kind in self.kinds:
                if time.monotonic() > end:
                    return self._report(tallies)
                began = time.monotonic()
                drawn = self._draw(kind, number, seed)
                code, problem = self._try(drawn.mangled())
                tallies[kind.name].count(code, time.monotonic() - began)
                if problem is not None:
                    self._keep(drawn, problem, f"{kind.name}-{seed}-{number}")
        raise AssertionError

    def replay(self, paths: Sequence[Path]) -> int:
        """Try cases that were saved; return 1 if anything is found."""
        found = 0
        for path in paths:
            case = Case.load(path)
            _, problem = self._try(case)
            print(f"{path.name}: {problem or 'nothing found'}\n  {case}")
            found += problem is not None
        return int(found > 0)

    def _draw(self, kind: Kind, number: int, seed: int) -> Draw:
        others = [d for name, s in self._seeds.items() if name != kind.name for d in s]
        return draw(kind, number, seed, others)

    def _keep(self, drawn: Draw, problem: str, name: str) -> None:
        """Make a finding small and save it, unless its like was found before."""
        signature = verdict.signature(drawn.case, problem)
        if signature in self._found:
            return

        def shows(case: Case) -> bool:
            _, found = self._try(case)
            return found is not None and verdict.signature(case, found) == signature

        small = shrunk(drawn, shows)
        path = small.save(problem, name)
        self._found[signature] = problem, path
        print(f"{small}\n  {problem}\n  {path}", flush=True)

    def _try(self, case: Case) -> tuple[int, str | None]:
        """Return the exit code of a case's command, and what is wrong, if anything."""
        before = self._stage.lay(case.path, case.data)
        outcome = child.command(case.arguments)
        changes = self._stage.changes(before)
        self._stage.restore(case.path, changes)
        return outcome.code, next(verdict.problems(case, outcome, changes), None)

    def _warm(self) -> None:
        """Import modules and prepare options once, so that children need not.

        Raises:
            RuntimeError: A command does not take a good file.
        """
        listed = self._stage.root / "temporary" / "modules"
        group: Any = get_command(app)
        for kind in self.kinds:
            path, data = next(iter(kind.seeds.items()))
            for line in dict.fromkeys(kind.commands):
                before = self._stage.lay(path, data)
                name, *words = command(line, path).arguments
                group.get_command(None, name).make_context(name, [*words])
                outcome = child.run(partial(_list_modules, (name, *words), listed))
                if outcome.code:
                    raise RuntimeError(f"{line}: {outcome.err.decode()}")
                for module in listed.read_text("utf-8").splitlines():
                    with suppress(Exception):  # one that has no file
                        importlib.import_module(module)
                self._stage.restore(path, self._stage.changes(before))
        gc.collect()
        gc.freeze()  # children would copy what they only count

    def _report(self, tallies: Mapping[str, Tally]) -> int:
        """Print how many cases were tried; return 1 if anything was found."""
        found = Counter(signature.partition(":")[0] for signature in self._found)
        rows = [("KIND", "INPUTS", "TAKEN", "PER SECOND", "FINDINGS")]
        for name, tally in tallies.items():
            rows.append((name, *tally.cells, str(found[name])))
        total = sum(tallies.values(), Tally())
        rows.append(("all", *total.cells, str(found.total())))
        columns(rows, right=range(1, 5))
        return int(bool(self._found))


def _list_modules(arguments: Sequence[str], path: Path) -> None:
    """Run a command and write down what was imported then."""
    try:
        main([*arguments])
    finally:
        names = (name for name in sys.modules if not name.startswith("__"))
        path.write_text("\n".join(names), "utf-8")
