"""Commands that evaluate a picture in bands, on other numbers of workers.

Their workers, their nodes, and they themselves may die.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
from PIL import Image

from lightstyle import Model, stylize
from lightstyle.errors import ExitCode
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.records.record import Record
from lightstyle.zoo import registry
from tests.support import namespaces
from tests.support.bands import spread
from tests.support.clusters import of_cluster
from tests.support.folders import draw
from tests.support.namespaces import Machines
from tests.support.processes import ROOT, unignore, wait_for

pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads environments"),
]

#: The command, whose local cluster has a number of CPUs; small pictures pay.
COMMAND = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from lightstyle.cluster import connection
from lightstyle.engine import banding
cpus = int(sys.argv.pop(1))
connection.available_cpus = lambda: cpus
banding.ROUND_TRIPS = 0
from lightstyle.cli.start import main
main()
"""

#: The same, whose workers die at every call once there have been three evaluations.
DYING = """
import os
from pathlib import Path
from lightstyle.cluster import ray_crew

class Dying(ray_crew._Actor):
    LOG = Path("log.jsonl").absolute()

    def call(self, method, *arguments):
        if self.LOG.exists() and len(self.LOG.read_text().splitlines()) >= 3:
            os.kill(os.getpid(), 9)
        return super().call(method, *arguments)

ray_crew._Actor = Dying
"""

OPTIONS = [
    *("--size", 800, "--iterations", 12, "--style-weight", 1e4, "--threads", 1),
    *("--log", "log.jsonl", "--checkpoint", "auto", "--checkpoint-every", 0),
]
STYLIZE = ["stylize", "wide.png", "style.png", "-o", "a.png", *OPTIONS]
KEPT = Path("a.png.checkpoint")


@pytest.fixture(autouse=True)
def _wide(studio: Path) -> None:
    draw(studio / "wide.png", 1, (800, 80))


def _command(cpus: int, *words: object, before: str = "") -> list[str]:
    return [
        sys.executable,
        "-c",
        before + COMMAND,
        str(ROOT),
        str(cpus),
        *map(str, words),
    ]


def _start(cpus: int, *words: object, before: str = "") -> Popen[str]:
    return Popen(
        _command(cpus, *words, "--cluster", "local", before=before),
        text=True,
        stdout=PIPE,
        stderr=PIPE,
        preexec_fn=unignore,
    )


def _losses() -> list[float]:
    lines = Path("log.jsonl").read_text().splitlines()
    return [json.loads(line)["total"] for line in lines]


def _has(evaluations: int) -> bool:
    log = Path("log.jsonl")
    return log.exists() and len(log.read_text().splitlines()) >= evaluations


def _pixels(name: str = "a.png") -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image)


def _undisturbed(process: Popen[str]) -> tuple[list[float], np.ndarray]:
    """Losses and picture of a run that ends by itself; its files make way."""
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "computed in 2 bands" in errors
    losses, pixels = _losses(), _pixels()
    Path("a.png").unlink()
    Path("log.jsonl").unlink()
    return losses, pixels


def test_sixty_evaluations_on_three_workers_are_those_on_one_and_those_in_a_process(
    folder: Path,
) -> None:
    """If they have the same bands; rounding parts others after a few evaluations."""
    demo = [
        ROOT / "lightstyle" / "demo" / name for name in ("scene.jpg", "painting.jpg")
    ]
    options = ["--size", 1024, "--iterations", 60, "--log", "log.jsonl"]
    words = ["stylize", *demo, "--model", BUNDLED_MODEL, *options, "--threads", 1]
    losses: list[list[float]] = []
    for cpus, more in ((3, ["-o", "a.png"]), (1, ["-o", "b.png", "--like", "a.png"])):
        process = _start(cpus, *words, *more, "--overwrite")
        _, errors = process.communicate(timeout=1500)
        assert process.returncode == 0, errors
        assert "computed in 3 bands" in errors
        assert "bits may differ" not in errors
        losses.append(_losses())
    made = Record.read("a.png")
    model = Model.load(registry.find(BUNDLED_MODEL), "cpu", 1)
    with spread(model, 3):
        found = stylize(*demo, model=model, settings=made.settings, like=made)
    losses.append([each.total for each in found.history])
    assert len(losses[0]) == 60
    assert losses[0] == losses[1] == losses[2]
    np.testing.assert_array_equal(_pixels("a.png"), _pixels("b.png"))


@pytest.mark.parametrize("cpus", [1, 2])
def test_a_command_that_is_killed_goes_on_bit_for_bit_on_a_cluster_of_any_size(
    cpus: int,
) -> None:
    losses, pixels = _undisturbed(_start(2, *STYLIZE))
    process = _start(2, *STYLIZE)
    wait_for(lambda: process.poll() is not None or _has(5), 100)
    process.kill()
    process.communicate()
    assert 5 <= len(_losses()) < 12
    resumed = _start(cpus, "resume", KEPT)
    _, errors = resumed.communicate(timeout=200)
    assert resumed.returncode == 0, errors
    assert f"workers {cpus}, " in errors
    assert _losses() == losses
    np.testing.assert_array_equal(_pixels(), pixels)
    wait_for(lambda: not of_cluster(), 60)


def test_workers_that_die_again_and_again_end_in_one_line_and_leave_a_checkpoint() -> (
    None
):
    losses, _ = _undisturbed(_start(2, *STYLIZE))
    before = {*Path().iterdir()}
    process = _start(2, *STYLIZE, "--quiet", before=DYING)
    out, errors = process.communicate(timeout=300)
    assert (process.returncode, out) == (ExitCode.CLUSTER, "")
    (line,) = errors.splitlines()
    assert line.startswith("error: 7 workers in a row died at the same evaluation")
    kept = [KEPT, Path(f"{KEPT}.previous")]
    assert {*Path().iterdir()} - before == {Path("log.jsonl"), *kept}
    assert not of_cluster()
    assert _losses() == losses[:3]
    resumed = _start(1, "resume", KEPT)
    assert resumed.wait(200) == 0
    resumed.communicate()
    assert _losses() == losses


@pytest.fixture
def both(studio: Path) -> Iterator[Machines]:
    if problem := namespaces.problem():
        pytest.skip(problem)
    temp = Path(tempfile.mkdtemp(prefix="ls-", dir="/tmp"))
    with namespaces.machines(temp, []) as both:
        yield both
    shutil.rmtree(temp, ignore_errors=True)


def test_a_node_that_dies_in_an_evaluation_changes_no_bit(both: Machines) -> None:
    for number in range(2):
        both.start(number, apart=False)
    words = _command(2, *STYLIZE, "--cluster", "auto")
    losses, pixels = _undisturbed(both.command(*words))
    process = both.command(*words)
    wait_for(lambda: process.poll() is not None or _has(4), 200)
    both.kill(1)
    assert len(_losses()) < 12
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert _losses() == losses
    np.testing.assert_array_equal(_pixels(), pixels)
