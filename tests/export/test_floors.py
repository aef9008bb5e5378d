"""The floors in export/README.md, held against the imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

EXPORT = Path(__file__).resolve().parents[2] / "export"
#: They import each other, once a command runs.
ROOF = {"__init__", "__main__", "cli"}
_ROW = re.compile(r"^\| (\d) \| ((?:`\w+` ?)+)\|", re.MULTILINE)


def _floors() -> dict[str, int]:
    rows = _ROW.findall((EXPORT / "README.md").read_text("utf-8"))
    return {name: int(n) for n, names in rows for name in re.findall(r"\w+", names)}


def _place(path: Path) -> str:
    """The module of a file, or the package that it is in."""
    return path.relative_to(EXPORT).with_suffix("").parts[0]


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            names = [alias.name for alias in node.names] if not node.module else []
            for name in names or [str(node.module).partition(".")[0]]:
                found = (base / name).is_dir() or (base / f"{name}.py").is_file()
                yield _place(base / name) if found else "__init__"


def test_a_module_imports_only_from_floors_below_its_own() -> None:
    floors = _floors()
    upward = [
        f"{path.relative_to(EXPORT)} imports {name}"
        for path in EXPORT.rglob("*.py")
        for name in _imported(path)
        if name != _place(path)
        and floors[name] >= floors[_place(path)]
        and _place(path) not in ROOF
    ]
    assert not upward


def test_every_module_has_a_floor() -> None:
    assert {_place(path) for path in EXPORT.rglob("*.py")} == set(_floors())
