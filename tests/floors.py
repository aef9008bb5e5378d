"""The floors of `lightstyle`: which package may import which.

``python -m tests.floors`` prints them with every import that breaks the rule.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "lightstyle"

#: Packages by floor, the ground first. A module imports from floors below its own and
#: from its own package. Modules that lie in `lightstyle` itself are the ground, but for
#: `__init__` and `__main__`, which are the roof.
FLOORS: Final = (
    ("",),
    ("settings",),
    ("engine", "images", "optimize"),
    ("losses", "zoo"),
    ("records",),
    ("transfer",),
    ("jobs", "quality", "site"),
    ("cluster", "service"),
    ("cli",),
)

#: Imports beside: the memory plan of the engine counts what an optimiser holds.
BESIDE: Final = frozenset({("engine", "optimize")})

_ROOF: Final = frozenset({"__init__", "__main__"})


def modules() -> dict[str, Path]:
    """Files of the package by dotted name below it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def imports() -> dict[str, set[str]]:
    """The modules of the package that each module imports, type checking included."""
    known = modules()
    return {name: set(_imported(name, path, known)) for name, path in known.items()}


def floor_of(module: str) -> int:
    """The number of a module's floor, from 0."""
    if module in _ROOF:
        return len(FLOORS)
    package = module.partition(".")[0] if _in_package(module) else ""
    return next(n for n, packages in enumerate(FLOORS) if package in packages)


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports that run up, or beside where that is not allowed."""
    return [
        f"{module} -> {target}"
        for module, targets in graph.items()
        for target in sorted(targets)
        if not _allowed(module, target)
    ]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a loop."""
    reach = {module: _reachable(module, graph) for module in graph}
    groups = {
        tuple(sorted(other for other in reach[m] if m in reach[other]))
        for m in graph
        if m in reach[m]
    }
    return [list(group) for group in sorted(groups)]


def _allowed(module: str, target: str) -> bool:
    ours, theirs = _package(module), _package(target)
    if ours == theirs or floor_of(target) < floor_of(module):
        return True
    return (ours, theirs) in BESIDE


def _package(module: str) -> str:
    return module.partition(".")[0] if _in_package(module) else ""


def _in_package(module: str) -> bool:
    return (PACKAGE / module.partition(".")[0]).is_dir()


def _reachable(module: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [*graph[module]]
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += graph[other]
    return found


def _imported(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    folder = [] if name in _ROOF else folder
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        named = node.module.split(".") if node.module else []
        if node.level:
            base = folder[: len(folder) - node.level + 1] + named
        elif named[0] == PACKAGE.name:
            base = named[1:]
        else:
            continue
        for alias in node.names:
            whole = ".".join([*base, alias.name])
            found = whole if whole in known else ".".join(base)
            if found:
                yield found


def main() -> None:
    """Print the floors from the top, and what breaks the rule."""
    graph = imports()
    for number in reversed(range(len(FLOORS))):
        named = [
            m for m in graph if floor_of(m) == number and _in_package(m) == bool(number)
        ]
        packages = (
            " ".join(f"{package}/" for package in FLOORS[number])
            if number
            else "ground"
        )
        print(f"{number}  {packages:28} {len(named):3} modules")
    up, loops = upward(graph), circles(graph)
    print(f"{len(FLOORS)} floors, {len(loops)} circles, {len(up)} arrows up")
    for line in [*map(" <-> ".join, loops), *up]:
        print(line)


if __name__ == "__main__":
    main()
