"""Commands that evaluate a picture in bands, on workers in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightstyle import Model
from lightstyle.cluster import connection, picture
from lightstyle.engine import banding
from lightstyle.errors import ExitCode
from tests.conftest import Run, Runner
from tests.support import bands
from tests.support.networks import image
from tests.support.transfers import interrupt_commands

OPTIONS = ["--size", 800, "--iterations", 4, "--style-weight", 1e4, "--threads", 1]
STYLIZE = ["stylize", "wide.png", "style.png", "-o"]
KEPT = "a.png.checkpoint"


class Workers:
    """As many as `count`."""

    count = 3


@pytest.fixture
def workers(studio: Path, monkeypatch: pytest.MonkeyPatch) -> Workers:
    """The workers of the cluster that commands find; small pictures pay."""

    @contextmanager
    def connected(address: str) -> Iterator[str]:
        yield address

    @contextmanager
    def spread(model: Model, *_: Any) -> Iterator[None]:
        with bands.spread(model, found.count):
            yield

    found = Workers()
    monkeypatch.setattr(connection, "check", lambda address: address)
    monkeypatch.setattr(connection, "connected", connected)
    monkeypatch.setattr(picture, "spread", spread)
    monkeypatch.setattr(banding, "ROUND_TRIPS", 0)
    Image.fromarray(image(80, 800)).save("wide.png")
    return found


def _stylize(run: Runner, name: str, *more: object) -> Run:
    return run(*STYLIZE, name, *OPTIONS, "--cluster", "auto", *more)


def test_a_run_that_was_cut_off_goes_on_bit_for_bit_on_fewer_workers(
    run: Runner, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _stylize(run, "whole.png").code == 0
    with monkeypatch.context() as patched:
        interrupt_commands(patched, 2)
        done = _stylize(run, "a.png", "--checkpoint", "auto")
    assert done.code == ExitCode.INTERRUPTED
    workers.count = 2
    done = run("resume", KEPT, "--cluster", "auto")
    assert done.code == 0
    assert "workers 2, " in done.lines[1]
    assert "computed in 3 bands, " in done.lines[1]
    assert Path("a.png").read_bytes() == Path("whole.png").read_bytes()


def test_a_picture_is_repeated_bit_for_bit_by_one_worker(
    run: Runner, workers: Workers
) -> None:
    assert _stylize(run, "a.png").code == 0
    workers.count = 1
    done = _stylize(run, "b.png", "--like", "a.png")
    assert not [line for line in done.lines if "bits may differ" in line]
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    shown = run("info", "a.png").out
    assert "800x80: in strips, bands 3, history of 20" in shown


def test_without_a_cluster_a_picture_is_repeated_with_a_note(
    run: Runner, workers: Workers
) -> None:
    assert _stylize(run, "a.png").code == 0
    done = run(*STYLIZE, "b.png", *OPTIONS, "--like", "a.png")
    assert done.code == 0
    (note,) = [
        line for line in done.lines if "800x80 was" in line and "style" not in line
    ]
    assert note.startswith("note: 800x80 was computed in 3 bands, strips of ")
    assert note.endswith(" in a.png, and whole here: bits may differ")
