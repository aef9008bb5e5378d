"""The demonstration's pictures, painted in Chromium and by Python with one model."""

import io
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Settings
from lightstyle.images import load, resized
from lightstyle.zoo import registry
from tests.support.engine import Painter, painter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DEMO: Final = Path(lightstyle.__file__).parent / "demo"

#: About what the search finds for these pictures. It is left out, because it goes by
#: pictures that part by rounding.
GIVEN: Final = {"content_weight": 1.0, "style_weight": 9.0, "tv_weight": 0.06}

STARTS = 5


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Painter]:
    files = tmp_path_factory.mktemp("demo")
    content = resized(load(DEMO / "scene.jpg"), (128, 96)).rgb_hwc
    for seed in range(STARTS):
        noise = np.random.default_rng(seed).normal(127.5, 40, content.shape)
        mixed = np.clip(0.7 * content + 0.3 * noise, 0, 255)
        Image.fromarray(np.rint(mixed).astype(np.uint8)).save(files / f"{seed}.png")
    for name, source in (("content", "scene"), ("style", "painting")):
        (files / f"{name}.jpg").write_bytes((DEMO / f"{source}.jpg").read_bytes())
    with painter(registry.bundled(), files) as found:
        yield found


def _by_python(demo: Painter, settings: Settings) -> tuple[list[float], Any]:
    losses: list[float] = []
    result = lightstyle.stylize(
        demo.files / "content.jpg",
        demo.files / "style.jpg",
        model=Model.load(registry.bundled(), "cpu", threads=1),
        settings=settings,
        callback=lambda progress: losses.append(progress.losses.total),
    )
    return losses, result


def _losses(found: dict[str, Any]) -> list[float]:
    assert "problem" not in found, found["problem"]
    return [each["loss"] for each in found["progress"]]


@pytest.mark.parametrize("threads", [1, 2])
def test_five_losses_and_the_picture_are_pythons(threads: int, demo: Painter) -> None:
    settings = {"size": 128, "iterations": 60, **GIVEN}
    expected, result = _by_python(demo, Settings.from_dict(settings))
    pictures = "content.jpg", "style.jpg"
    found = demo.paint(*pictures, settings=settings, threads=threads)
    assert found["about"] == {"device": "wasm", "threads": threads, "note": ""}
    assert _losses(found)[:5] == pytest.approx(expected[:5], rel=1e-4)
    assert found["outcome"]["loss"] == pytest.approx(result.loss, rel=0.03)
    made = np.asarray(Image.open(io.BytesIO(found["png"])), float)
    assert np.abs(made - result.image_hwc).mean() < 8


def test_final_losses_are_pythons_on_average(demo: Painter) -> None:
    ratios = []
    for seed in range(STARTS):
        settings = {"size": 128, "iterations": 60, **GIVEN}
        pictures = "content.jpg", "style.jpg"
        found = demo.paint(*pictures, init=f"{seed}.png", settings=settings, threads=2)
        start = str(demo.files / f"{seed}.png")
        _, result = _by_python(demo, Settings.from_dict(settings | {"init": start}))
        ratios.append(found["outcome"]["loss"] / result.loss)
    print(ratios)
    assert mean(ratios) == pytest.approx(1, abs=0.03)


def test_webgpu_in_software_computes_the_same(demo: Painter) -> None:
    settings = {"size": 48, "iterations": 10, **GIVEN}
    expected, _ = _by_python(demo, Settings.from_dict(settings))
    pictures = "content.jpg", "style.jpg"
    found = demo.paint(*pictures, settings=settings, device="webgpu")
    assert found["about"]["device"] == "webgpu", found["about"]["note"]
    assert _losses(found) == pytest.approx(expected, rel=1e-3)
