"""A campaign: draws cases of all kinds by turns, and prints a table at the end."""

import gc
import importlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
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


class Campaign:
    """Tries cases in a folder of their own.

    Attributes:
        kinds: Kinds of files that cases are drawn from.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        """Fill the folder `root`, and import what commands import.

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
        self._warm(every)

    def run(self, seconds: float, seed: int) -> int:
        """Try cases for so long; return 1 if anything was found."""
        end = time.monotonic() + seconds
        tried = Counter[str]()
        spent = dict.fromkeys((kind.name for kind in self.kinds), 0.0)
        for number in count():
            for kind in self.kinds:
                if time.monotonic() > end:
                    return self._report(tried, spent)
                began = time.monotonic()
                drawn = self._draw(kind, number, seed)
                problem = self._problem(drawn.mangled())
                tried[kind.name] += 1
                spent[kind.name] += time.monotonic() - began
                if problem is not None:
                    self._keep(drawn, problem, f"{kind.name}-{seed}-{number}")
        raise AssertionError

    def replay(self, paths: Sequence[Path]) -> int:
        """Try cases that were saved; return 1 if anything is found."""
        found = 0
        for path in paths:
            case = Case.load(path)
            problem = self._problem(case)
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
            found = self._problem(case)
            return found is not None and verdict.signature(case, found) == signature

        small = shrunk(drawn, shows)
        path = small.save(problem, name)
        self._found[signature] = problem, path
        print(f"{small}\n  {problem}\n  {path}", flush=True)

    def _problem(self, case: Case) -> str | None:
        """Return what is wrong with how the command takes the case."""
        before = self._stage.lay(case.path, case.data)
        outcome = child.command(case.arguments)
        changes = self._stage.changes(before)
        self._stage.restore(case.path, changes)
        return next(verdict.problems(case, outcome, changes), None)

    def _warm(self, kinds: Sequence[Kind]) -> None:
        """Import modules and prepare options once, so that children need not.

        Raises:
            RuntimeError: A command does not take a good file.
        """
        listed = self._stage.root / "temporary" / "modules"
        group: Any = get_command(app)
        for kind in kinds:
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

    def _report(self, tried: Counter[str], spent: dict[str, float]) -> int:
        rows = [("KIND", "INPUTS", "PER SECOND", "FINDINGS")]
        found = Counter(signature.partition(":")[0] for signature in self._found)
        for kind in self.kinds:
            name = kind.name
            speed = tried[name] / (spent[name] or 1)
            rows.append((name, str(tried[name]), f"{speed:.1f}", str(found[name])))
        total = tried.total() / (sum(spent.values()) or 1)
        rows.append(("all", str(tried.total()), f"{total:.1f}", str(found.total())))
        columns(rows, right=(1, 2, 3))
        return int(bool(self._found))


def _list_modules(arguments: Sequence[str], path: Path) -> None:
    """Run a command and write down what was imported then."""
    try:
        main([*arguments])
    finally:
        names = (name for name in sys.modules if not name.startswith("__"))
        path.write_text("\n".join(names), "utf-8")
