import ast
import pickle
from pathlib import Path

import pytest

import lightstyle
from lightstyle import errors
from tests.support.processes import ROOT, run_script

JOBS = {"stylize", "texture", "reconstruct", "resume"}
ARGUMENTS = {"Settings", "LayerWeights", "Model", "load_model", "preset"}
RESULTS = {"Result", "Progress", "Losses", "Status", "Forecast", "Record", "Checkpoint"}
QUALITY = {"Judge", "Quality"}
ERRORS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.LightstyleError)
}


def test_the_public_names_are_these_and_each_says_where_it_is_imported_from() -> None:
    names = JOBS | ARGUMENTS | RESULTS | QUALITY | ERRORS
    assert len(ERRORS) == 11
    assert sorted(lightstyle.__all__) == sorted(names | {"__version__"})
    assert names <= {*dir(lightstyle)}
    for name in names:
        found = getattr(lightstyle, name)
        assert (found.__module__, found.__qualname__) == ("lightstyle", name)


def test_a_name_that_is_not_public_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"lightstyle.*'stylise'"):
        getattr(lightstyle, "stylise")  # noqa: B009 - mypy refuses the plain form


def test_public_classes_survive_pickling() -> None:
    settings = lightstyle.Settings(size=64)
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert pickle.loads(pickle.dumps(lightstyle.Status)) is lightstyle.Status


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


#: What both halves share: the contract, and modules that know neither half.
_SHARED = "contract", "step_contract", "model_folder", "leftovers", "onnx_runtime"
SHARED = tuple(f"lightstyle.{name}" for name in _SHARED)


def test_the_exporter_shares_only_the_contract_with_the_run_time() -> None:
    for path in (ROOT / "export").rglob("*.py"):
        for level, name in _imports(path):
            absolute = name if level == 0 else ""
            assert not absolute.startswith("export"), f"{path}: {name}"
            if absolute.startswith("lightstyle"):
                assert absolute.startswith(SHARED), f"{path}: {name}"


def test_the_run_time_imports_no_exporter_and_no_framework() -> None:
    for path in (ROOT / "lightstyle").rglob("*.py"):
        for level, name in _imports(path):
            if level == 0:
                assert name.partition(".")[0] not in {"export", "onnx", "torch"}, path
