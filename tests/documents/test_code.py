"""The code and the presets that README and the guide show work."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lightstyle.settings import presets
from tests.support import documents
from tests.support.documents import DOCUMENTS, Snippet
from tests.support.processes import ROOT


@pytest.mark.parametrize(
    "block",
    [
        each
        for path in DOCUMENTS
        for each in documents.blocks(path, "python")
        if path.stem != "service"  # needs a server: tests/lightstyle/service has one
    ],
    ids=lambda block: block.place,
)
def test_python_code_runs(block: Snippet, studio: Path) -> None:
    code = re.sub(r"\b(size|iterations)=\d+", r"\1=48", block.text)
    exec(compile(code, block.place, "exec"), {"__name__": "example"})


def test_python_code_is_typed(tmp_path: Path) -> None:
    page = ROOT / "lightstyle" / "guide" / "python.md"
    for block in documents.blocks(page, "python"):
        (tmp_path / f"line_{block.line}.py").write_text(block.text, "utf-8")
    options = ["--config-file", "pyproject.toml", "--cache-dir", str(tmp_path / "c")]
    files = map(str, tmp_path.glob("*.py"))
    command = [sys.executable, "-m", "mypy", *options, *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "block",
    [each for path in DOCUMENTS for each in documents.blocks(path, "toml")],
    ids=lambda block: block.place,
)
def test_a_preset_is_one(block: Snippet, studio: Path) -> None:
    Path("shown.toml").write_text(block.text, "utf-8")
    assert presets.read("shown.toml")
