"""What pictures say of how they were made, and pictures made like them."""

from pathlib import Path

import pytest

from lightstyle.errors import ImageError
from lightstyle.record import Record
from lightstyle.settings import Settings
from tests.conftest import Runner

QUICK = ["--size", "48", "--iterations", "4"]
STYLIZE = ["stylize", "content.png", "style.png", *QUICK]


def test_every_picture_of_a_run_carries_its_settings(run: Runner, studio: Path) -> None:
    for command in (
        [*STYLIZE, "-o", "a.png", "--save-every", "2", "--seed", "7"],
        ["content", "content.png", "-o", "b.jpg", *QUICK],
        ["texture", "style.png", "-o", "c.tif", "--size=40x32", "--iterations=2"],
    ):
        assert run(*command).code == 0
    assert [Record.read(name).job for name in ("a.png", "b.jpg", "c.tif")] == [
        "stylize",
        "reconstruct",
        "texture",
    ]
    assert Record.read("a_0002.png").evaluations == 2
    assert Record.read("a_0004.png").settings.seed == 7


def test_the_demonstration_carries_its_settings(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.cli.DEMO", Settings(size=48, iterations=2))
    assert run("demo", "-o", "demo.webp").code == 0
    assert Record.read("demo.webp").model["name"] == "vgg19-lite"


def test_pictures_without_settings_can_be_had(run: Runner, studio: Path) -> None:
    options = ["-o", "a.png", "--save-every", "4", "--no-metadata"]
    assert run(*STYLIZE, *options).code == 0
    for name in ("a.png", "a_0004.png"):
        with pytest.raises(ImageError, match="holds no settings"):
            Record.read(name)
