from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Checkpoint, Model, Progress, Result, Settings
from lightstyle.optimize.device import DeviceLBFGS
from tests.support.devices import resident_model
from tests.support.transfers import CONTENT, FIXED, STYLE, until

#: Paths of two runs part by rounding after some evaluations.
_SAME = 8

MASK = np.zeros((40, 60), np.uint8)
MASK[8:, :31] = 255

CASES: dict[str, Settings] = {
    "plain": FIXED,
    "strength": Settings(size=48, iterations=12),
    "levels": replace(FIXED, size=128),
    "variation": replace(FIXED, tv_weight=10.0),
    "gaussian": replace(FIXED, style_loss="gaussian"),
    "kept": replace(FIXED, content_mask=(MASK,)),
    "noise": replace(FIXED, init="noise"),
}


@pytest.fixture(scope="module")
def placed(tiny_model: Path) -> Model:
    return resident_model(tiny_model)


def _run(model: Model, settings: Settings, **options: Any) -> Result:
    return lightstyle.stylize(CONTENT, STYLE, settings=settings, model=model, **options)


@pytest.mark.parametrize("case", CASES)
def test_a_run_on_a_device_has_the_losses_of_one_on_the_host(
    model: Model, placed: Model, case: str
) -> None:
    expected, found = (_run(each, CASES[case]) for each in (model, placed))
    assert len(found.history) == len(expected.history)
    for one, other in zip(found.history[:_SAME], expected.history, strict=False):
        assert one.total == pytest.approx(other.total, rel=5e-4)
        assert one.terms == pytest.approx(other.terms, rel=1e-2)
        assert one.size == other.size
    assert found.loss == pytest.approx(expected.loss, rel=0.05)


def test_pictures_stay_on_the_device_unless_another_method_is_asked_for(
    placed: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    start = DeviceLBFGS.__init__

    def init(self: DeviceLBFGS, *arguments: Any, **options: Any) -> None:
        made.append(self)
        start(self, *arguments, **options)

    monkeypatch.setattr(DeviceLBFGS, "__init__", init)
    _run(placed, replace(FIXED, optimizer="lbfgsb"))
    assert not made
    _run(placed, FIXED)
    assert made


def test_pixels_outside_a_mask_are_the_contents_own(placed: Model) -> None:
    found = _run(placed, CASES["kept"]).image_hwc
    own = lightstyle.images.resized(lightstyle.images.load(CONTENT), (48, 32)).rgb_hwc
    outside = found[:4]
    np.testing.assert_array_equal(outside, own[:4])


def test_a_callback_sees_the_best_picture_of_its_own_evaluation(placed: Model) -> None:
    seen: list[Progress] = []
    _run(placed, FIXED, callback=seen.append)
    pictures = [progress.image_hwc for progress in seen]
    again: list[np.ndarray] = []
    _run(placed, FIXED, callback=lambda progress: again.append(progress.image_hwc))
    for late, early in zip(pictures, again, strict=True):
        np.testing.assert_array_equal(late, early)


@pytest.mark.parametrize("ends", ["device", "host"])
def test_a_checkpoint_goes_on_on_any_device(
    model: Model, placed: Model, tmp_path: Path, ends: str
) -> None:
    given = tmp_path / "photo.png", tmp_path / "painting.png"
    for path, pixels in zip(given, (CONTENT, STYLE), strict=True):
        Image.fromarray(pixels).save(path)
    options: dict[str, Any] = {"settings": FIXED, "model": placed}
    whole = lightstyle.stylize(*given, **options)
    kept = Checkpoint(tmp_path / "run.checkpoint")
    lightstyle.stylize(*given, **options, callback=until(5), checkpoint=kept)
    other = placed if ends == "device" else model
    result = lightstyle.resume(kept.path, model=other)
    assert len(result.history) == len(whole.history)
    assert result.history[5].total == pytest.approx(whole.history[5].total, rel=1e-4)
    assert result.loss == pytest.approx(whole.loss, rel=0.05)


def test_the_forecast_times_the_evaluation_with_its_step(
    placed: Model,
) -> None:
    announced: list[lightstyle.Forecast] = []
    _run(placed, FIXED, announce=announced.append)
    assert 0 < announced[0].seconds < 60
