from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models import draw_demo
from models.draw_painting import painting
from models.draw_scene import scene

Draw = Callable[[int], Image.Image]

DEMO = Path(__file__).parent.parent / "lightstyle" / "demo"
SIZES = {"scene": (1024, 768), "painting": (1024, 800)}


def _levels(name: str) -> NDArray[np.float32]:
    with Image.open(DEMO / f"{name}.jpg") as picture:
        return np.asarray(picture, np.float32)


@pytest.mark.parametrize("name", SIZES)
def test_the_package_has_the_picture(name: str) -> None:
    with Image.open(DEMO / f"{name}.jpg") as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert picture.size == SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_picture_has_contrast_and_colour(name: str) -> None:
    levels = _levels(name)
    grey = levels.mean(axis=2)
    assert grey.std() > 40
    assert 70 < grey.mean() < 150
    assert (levels.max(axis=2) - levels.min(axis=2)).mean() > 40
    assert np.percentile(grey, 1) < 35
    assert np.percentile(grey, 99) > 190


@pytest.mark.parametrize(("name", "least"), [("scene", 5), ("painting", 12)])
def test_picture_has_fine_detail(name: str, least: float) -> None:
    grey = _levels(name).mean(axis=2)
    assert np.abs(np.diff(grey, axis=1)).mean() > least


@pytest.fixture(scope="module", params=[("scene", scene), ("painting", painting)])
def drawn(request: pytest.FixtureRequest) -> tuple[str, Draw, Image.Image]:
    name, draw = request.param
    return name, draw, draw(64)


def test_drawing_again_gives_the_same_bytes(
    drawn: tuple[str, Draw, Image.Image],
) -> None:
    _, draw, picture = drawn
    assert picture.width == 64
    assert draw(64).tobytes() == picture.tobytes()


def test_small_rendering_shows_the_picture_of_the_package(
    drawn: tuple[str, Draw, Image.Image],
) -> None:
    name, _, picture = drawn
    size = (16, SIZES[name][1] // 64)
    small = picture.convert("L").resize(size, Image.Resampling.BOX)
    with Image.open(DEMO / f"{name}.jpg") as package:
        whole = package.convert("L").resize(size, Image.Resampling.BOX)
    ours, theirs = (np.asarray(p, float).ravel() for p in (small, whole))
    assert np.corrcoef(ours, theirs)[0, 1] > 0.85


def test_command_writes_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw_demo, "scene", lambda: Image.new("RGB", (4, 3)))
    monkeypatch.setattr(draw_demo, "painting", lambda: Image.new("RGB", (4, 5)))
    assert draw_demo.main(["--out", str(tmp_path / "made")]) == 0
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["painting.jpg", "scene.jpg"]
