"""A cluster of two machines that share no folder, of which one may die."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightstyle.records.record import Record
from tests.support import namespaces
from tests.support.folders import draw, pictures
from tests.support.namespaces import Machines
from tests.support.processes import ROOT, wait_for

pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = pytest.mark.slow


@pytest.fixture
def both(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """The machines; neither sees the folders of the tests, and so no model."""
    if problem := namespaces.problem():
        pytest.skip(problem)
    for number in range(6):
        draw(studio / "photos" / f"{number}.png", number)
    temp = Path(tempfile.mkdtemp(prefix="ls-", dir="/tmp"))
    with namespaces.machines(temp, [tmp_path_factory.getbasetemp()]) as both:
        yield both
    shutil.rmtree(temp, ignore_errors=True)


def _batch(address: str, iterations: int) -> list[object]:
    return [
        *(sys.executable, ROOT / "cli.py", "batch", "photos", "style.png", "-o", "out"),
        *("--size", 64, "--iterations", iterations, "--threads", 1),
        *("--cluster", address),
    ]


def _check(out: str) -> None:
    assert out.splitlines()[-1] == "6 pictures: 6 done, 0 skipped, 0 failed"
    made = pictures(Path("out"))
    assert sorted(path.name for path in Path("out").iterdir()) == [*made]
    assert [*made] == [f"{n}.png" for n in range(6)]
    for name in made:
        record = Record.read(f"out/{name}")
        assert record.inputs["content"]["name"] == name


@pytest.mark.parametrize("address", ["auto", "ray://10.77.0.1:10001"])
def test_a_batch_of_six_is_painted_by_machines_without_a_common_folder(
    both: Machines, address: str
) -> None:
    both.start(0, apart=address != "auto")  # a command must see its own Ray
    both.start(1)
    process = both.command(*_batch(address, 20))
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert f"cluster {address}: 2 workers with 1 thread each" in errors
    _check(out)


def test_the_pictures_of_a_machine_that_dies_are_painted_by_the_other(
    both: Machines,
) -> None:
    both.start(0)
    both.start(1)
    process = both.command(*_batch("ray://10.77.0.1:10001", 400))
    wait_for(lambda: process.poll() is not None or pictures(Path("out")), 200)
    both.kill(1)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    _check(out)
