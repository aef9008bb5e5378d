"""Evaluation and step in other run times: Node, and Chromium's wasm and WebGPU.

`npm ci --ignore-scripts` installs ONNX Runtime for Chromium in this folder, and for
Node in `examples/javascript`; what is not there is not tested.
"""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lightstyle import contract, onnx_runtime
from lightstyle import step_contract as names
from tests.support.browser import CHROMIUM, posted
from tests.support.networks import picture, weighed
from tests.support.oracles import relative_l2
from tests.support.steps import begun

HERE = Path(__file__).parent
BROWSER = HERE / "node_modules" / "onnxruntime-web" / "dist"
PACKAGES = HERE.parents[1] / "examples" / "javascript" / "node_modules"
NODE = shutil.which("node")

SIZE = 48
PAIRS = 3

#: Steps before the one that is compared: none, and as many as turn the ring.
BEFORE = (0, 5)

#: How far another run time may be from Python's: relative L2 of every output.
CLOSE, CLOSE_ON_WEBGPU = 1e-5, 1e-4

Arrays = dict[str, NDArray[np.float32]]


class Cases:
    """Graphs with feeds in a folder, and what Python makes of them.

    Attributes:
        folder: Where the graphs and ``cases.json`` lie.
        expected: Outputs by the name of the case.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.expected = folder, dict[str, Arrays]()
        self._cases: dict[str, Any] = {}
        for file in (*contract.graph_paths(model), contract.weights_path(model)):
            shutil.copy(file, folder)
        self._model = folder / model.name
        self._fed: dict[str, Any] = {names.FREE: np.ones((1, 1, SIZE, SIZE))}
        targets = contract.targets_path(self._model)
        for seed, kind in ((1, "content"), (2, "style")):
            made = self._run(targets, {contract.IMAGE: picture(SIZE, SIZE, seed)[None]})
            chosen = {k: v for k, v in made.items() if k.startswith(kind)}
            self._fed |= weighed(chosen, 1e-3, tv_weight=1e-3)
        for before in BEFORE:
            self._add_steps(before)
        last = BEFORE[-1]
        webgpu = contract.webgpu_path(self._model)
        graphs = contract.step_path(webgpu), contract.descent_path(webgpu)
        self._on_webgpu = {f"{graph.name} {last}" for graph in graphs}
        self._on_webgpu |= {"evaluation", f"{graphs[0].name} {BEFORE[0]}"}

    def write(self, *, webgpu: bool) -> None:
        """Write all, or of those for WebGPU the last, since it is slow in software."""
        chosen = {
            name: case
            for name, case in self._cases.items()
            if not webgpu or name in self._on_webgpu
        }
        (self.folder / "cases.json").write_text(json.dumps(chosen))

    def _add_steps(self, before: int) -> None:
        """Add an evaluation and its step, in two graphs and in one, in both forms."""
        start = picture(SIZE, SIZE)[None]
        feeds = {contract.IMAGE: start}
        count = len(self._run(self._model, feeds)[contract.WEIGHTED_SUMS])
        state = begun(lambda feeds: {}, start, PAIRS, count).state
        for _ in range(before):
            found = self._run(contract.descent_path(self._model), feeds | state)
            state = {name: found[names.following(name)] for name in state}
            feeds = {contract.IMAGE: found[names.following(contract.IMAGE)]}
        # Later the picture is near its style: a loss is then the square of what float32
        # leaves of a difference.
        evaluate = self._run if before else partial(self._add, "evaluation")
        feeds |= evaluate(self._model, feeds)
        for form in (self._model, contract.webgpu_path(self._model)):
            step, descent = contract.step_path(form), contract.descent_path(form)
            self._add(f"{step.name} {before}", step, feeds | state)
            self._add(f"{descent.name} {before}", descent, feeds | state)

    def _add(self, name: str, graph: Path, feeds: Mapping[str, Any]) -> Arrays:
        session, fed = self._fitted(graph, feeds)
        self.expected[name] = _outputs(session, fed)
        weighs = any(kind in name for kind in ("evaluation", "descend"))
        weights = contract.weights_path(self._model).name if weighs else None
        sizes = {
            dim: size
            for each in session.get_inputs()
            for dim, size in zip(each.shape, fed[each.name].shape, strict=True)
            if isinstance(dim, str)
        }
        self._cases[name] = {
            "graph": graph.name,
            "weights": weights,
            "sizes": sizes,
            "feeds": {
                key: {"shape": value.shape, "data": _text(value)}
                for key, value in fed.items()
            },
        }
        return self.expected[name]

    def _run(self, graph: Path, feeds: Mapping[str, Any]) -> Arrays:
        return _outputs(*self._fitted(graph, feeds))

    def _fitted(self, graph: Path, feeds: Mapping[str, Any]) -> tuple[Any, Arrays]:
        """A session, and all that it is fed."""
        session = onnx_runtime.load().InferenceSession(graph)
        known = {**self._fed, **feeds}
        inputs = [each.name for each in session.get_inputs()]
        return session, {name: np.asarray(known[name], np.float32) for name in inputs}

    def check(self, answer: Any, tolerance: float) -> None:
        """All outputs of all cases that were written are Python's."""
        assert "error" not in answer, answer["error"]
        written = json.loads((self.folder / "cases.json").read_text())
        assert answer.keys() == written.keys()
        for case, outputs in answer.items():
            assert outputs.keys() == self.expected[case].keys()
            for name, expected in self.expected[case].items():
                found = np.frombuffer(b64decode(outputs[name]), np.float32)
                off = _distance(name, found.reshape(expected.shape), expected)
                assert off < tolerance, (case, name, off)


def _outputs(session: Any, fed: Arrays) -> Arrays:
    outputs = [output.name for output in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, fed), strict=True))


def _distance(name: str, found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Relative, of each number or of all of a tensor."""
    if name == names.following(names.NUMBERS):
        off = np.abs(found - expected) / np.maximum(np.abs(expected), 1e-6)
        return float(off.max())
    if not expected.any():
        return float(np.abs(found).max())
    return relative_l2(found, expected.astype(np.float64))


def _text(values: NDArray[Any]) -> str:
    return b64encode(values.astype("<f4").tobytes()).decode("ascii")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Cases:
    return Cases(tmp_path_factory.mktemp("cases"), tiny_model)


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.skipif(
    not (PACKAGES / "onnxruntime-node").is_dir(),
    reason="needs `npm ci --ignore-scripts` in examples/javascript",
)
def test_node_takes_the_same_steps(cases: Cases) -> None:
    assert NODE is not None
    cases.write(webgpu=False)
    command = [NODE, str(HERE / "node.mjs"), str(PACKAGES), str(cases.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    cases.check(json.loads(done.stdout), CLOSE)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.skipif(
    not BROWSER.is_dir(), reason="needs `npm ci --ignore-scripts` in tests/web"
)
@pytest.mark.parametrize(
    ("provider", "tolerance"), [("wasm", CLOSE), ("webgpu", CLOSE_ON_WEBGPU)]
)
def test_chromium_takes_the_same_steps(
    provider: str, tolerance: float, cases: Cases, tmp_path: Path
) -> None:
    """With no node on the CPU where the provider is WebGPU."""
    cases.write(webgpu=provider == "webgpu")
    folders = {"": HERE, "files": cases.folder, "ort": BROWSER}
    answer = posted(f"page.html#{provider}", folders, tmp_path, seconds=300)
    cases.check(answer, tolerance)
