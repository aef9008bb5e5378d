"""ONNX Runtime leaves nothing on the machine, and is imported in one place."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cpus import needs_two_cpus
from tests.support.folders import draw
from tests.support.processes import ROOT

QUICK = ["--size", "48", "--iterations", "2", "--quiet"]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png", *QUICK]
BATCH = ["batch", "photos", "style.png", "-o", "out", "--threads", "2", *QUICK]

#: Narrows a network, which is the exporter's use of it.
NARROW = """
import numpy as np
from export.narrowing import _features
from tests.support.networks import tiny_weights
_features(tiny_weights(), ("conv1_1",))(np.zeros((32, 32, 3), np.float32))
"""

#: Has a value of its own in the environment.
EMBEDDED = """
import os
from lightstyle import onnx_runtime
if {value!r}:
    os.environ["ORT_DISABLE_TELEMETRY"] = {value!r}
onnx_runtime.load()
print(os.environ.get("ORT_DISABLE_TELEMETRY", ""))
"""


@pytest.mark.parametrize(
    "command",
    [
        [str(ROOT / "cli.py"), *STYLIZE],
        pytest.param(
            [str(ROOT / "cli.py"), *BATCH, "--workers", "2"], marks=needs_two_cpus
        ),
        [str(ROOT / "cli.py"), "info"],
        ["-c", NARROW],
    ],
    ids=["run", "workers", "info", "exporter"],
)
def test_nothing_is_left_in_an_empty_home(studio: Path, command: list[str]) -> None:
    for number in range(2):
        draw(studio / "photos" / f"{number}.png", number)
    home = studio / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": "/bin:/usr/bin"}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [*home.rglob("*")] == []


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_of_a_program_is_left_as_it_was(value: str) -> None:
    script = EMBEDDED.format(value=value)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == f"{value}\n"


def test_there_is_one_door() -> None:
    importing = set()
    for folder in ("lightstyle", "export", "models", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [getattr(node, "module", None)]
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                if any(str(name).split(".")[0] == "onnxruntime" for name in names):
                    importing.add(path)
    assert importing == {ROOT / "lightstyle" / "onnx_runtime.py"}
