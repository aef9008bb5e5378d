import ast
from pathlib import Path

import lightstyle
from tests.support.processes import ROOT, run_script


def test_the_public_names_are_few_and_all_there() -> None:
    assert sorted(lightstyle.__all__, key=str.lower) == sorted(
        set(lightstyle.__all__), key=str.lower
    )
    assert len(lightstyle.__all__) <= 16
    assert all(hasattr(lightstyle, name) for name in lightstyle.__all__)


def test_importing_lightstyle_imports_nothing_heavy_and_nothing_of_the_exporter() -> (
    None
):
    script = "import sys, lightstyle; print(*sys.modules)"
    done = run_script(script)
    imported = set(done.stdout.split())
    assert "lightstyle" in imported
    unwanted = {"onnx", "onnxruntime", "scipy", "torch", "export", "typer", "rich"}
    assert imported.isdisjoint(unwanted)


def _imports(path: Path) -> list[tuple[int, str]]:
    """(level, name) of everything a file imports; level 0 is absolute."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.level, name) for name in names]
    return found


def test_the_exporter_shares_only_the_contract_with_the_run_time() -> None:
    for path in (ROOT / "export").rglob("*.py"):
        for level, name in _imports(path):
            absolute = name if level == 0 else ""
            assert not absolute.startswith("export"), f"{path}: {name}"
            if absolute.startswith("lightstyle"):
                assert absolute.startswith("lightstyle.contract"), f"{path}: {name}"


def test_the_run_time_imports_no_exporter_and_no_framework() -> None:
    for path in (ROOT / "lightstyle").rglob("*.py"):
        for level, name in _imports(path):
            if level == 0:
                assert name.partition(".")[0] not in {"export", "onnx", "torch"}, path
