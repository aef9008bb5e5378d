import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Checkpoint, Model, Progress, Settings, Status, images
from lightstyle.losses.objective import Losses
from lightstyle.transfer import levels as pyramid
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.levels import Level
from lightstyle.transfer.scene import Scene
from tests.support.networks import image, picture
from tests.support.transfers import totals, until

ON = Settings(size=256, iterations=24, pyramid="on", init="content")


CONTENT, STYLE = image(192, 256, 1), image(200, 180, 2)


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ((512, 341), [128, 256, 512]),
        ((341, 512), [80, 176, 341]),
        ((1000, 1000), [128, 256, 496, 1000]),
        ((150, 100), [150]),
        ((2000, 96), [992, 2000]),
        ((400, 40), [400]),
    ],
)
def test_sizes_double_from_about_128_pixels(
    size: tuple[int, int], sides: list[int]
) -> None:
    levels = pyramid.levels(size, replace(ON, iterations=300))
    assert [level.size[0] for level in levels] == sides
    assert levels[-1] == Level(size, 300)
    for level in levels[:-1]:
        assert all(side % 16 == 0 and side >= 48 for side in level.size)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("iterations", [50, 99, 300])
def test_iterations_are_shared_without_a_rest(count: int, iterations: int) -> None:
    ends = pyramid.untils(count, iterations)
    assert len(ends) == count
    assert ends[-1] == iterations
    assert all(end > begin for begin, end in pairwise([0, *ends]))


@pytest.mark.parametrize(("iterations", "count"), [(1, 1), (19, 1), (20, 2), (30, 3)])
def test_few_iterations_have_few_levels(iterations: int, count: int) -> None:
    settings = replace(ON, iterations=iterations)
    assert len(pyramid.levels((512, 512), settings)) == count


@pytest.mark.parametrize(
    ("choice", "init", "count"), [("off", "noise", 1), ("on", "content", 3)]
)
def test_levels_are_a_choice(choice: str, init: str, count: int) -> None:
    settings = Settings(pyramid=choice, init=init)
    assert len(pyramid.levels((512, 512), settings)) == count


def test_the_next_level_has_the_change_and_its_own_detail() -> None:
    coarse, fine = (
        np.clip(picture(height, height, 3), 20, 200)[None] for height in (64, 128)
    )
    ramp = np.linspace(-10, 40, 64, dtype=np.float32)
    found = pyramid.finer(coarse + ramp, coarse, fine, (128, 128))
    expected = images.resampled(np.broadcast_to(ramp, coarse.shape), (128, 128))
    np.testing.assert_allclose(found - fine, expected, atol=0.01)
    unchanged = pyramid.finer(coarse, coarse, fine, (128, 128))
    np.testing.assert_array_equal(unchanged, fine)


def test_without_a_content_the_picture_is_enlarged() -> None:
    coarse = picture(64, 48, 3)[None]
    found = pyramid.finer(coarse, None, None, (97, 128))
    assert found.shape == (1, 3, 128, 97)
    assert found.min() >= 0
    assert found.max() <= 255
    assert np.mean(found) == pytest.approx(np.mean(coarse), rel=0.02)


@pytest.mark.parametrize("side", [60, 200, 1000])
def test_the_style_is_as_much_smaller_as_the_level(side: int) -> None:
    style = images.load(image(side, side, 1))
    inputs = Inputs.read(ON, (256, 192), images.load(CONTENT), (style,))
    (((_, whole), _),) = Scene(inputs, (256, 192)).style_sizes()
    (((_, half), _),) = Scene(inputs, (128, 96), 0.5).style_sizes()
    assert whole == min(side, 256)
    assert half == max(32, whole // 2)


def test_the_time_left_counts_what_larger_levels_cost() -> None:
    plan = [Level((100, 100), 10), Level((200, 200), 30)]
    history = [Losses(1.0, {}, 0.5, (8, 8))] * 6
    assert pyramid.seconds_left(plan, 0, history, 0) == 4 * 0.5 + 20 * 0.5 * 4
    assert math.isnan(pyramid.seconds_left(plan, 0, [], 0))


def test_a_run_goes_through_all_levels(model: Model) -> None:
    seen: list[Progress] = []
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=ON, callback=seen.append
    )
    assert result.image_hwc.shape == CONTENT.shape
    assert result.evaluations == len(result.history) == 24
    assert [progress.level for progress in seen] == [1] * 8 + [2] * 16
    assert seen[0].image_hwc.shape == CONTENT.shape
    assert seen[-1].image_hwc.shape == CONTENT.shape
    assert result.loss == min(losses.total for losses in result.history[8:])


def test_from_noise_levels_are_worth_it(model: Model) -> None:
    settings = replace(ON, init="noise")
    levels = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    one = replace(settings, pyramid="off", iterations=15)
    other = lightstyle.stylize(CONTENT, STYLE, model=model, settings=one)
    assert levels.loss < other.loss


def test_stopped_on_the_way_the_picture_has_its_size(model: Model) -> None:
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=ON, callback=until(5)
    )
    assert result.status is Status.CANCELLED
    assert result.image_hwc.shape == CONTENT.shape


@pytest.mark.parametrize("at", [5, 8, 9, 20])
def test_a_run_is_resumed_at_its_level(tmp_path: Path, model: Model, at: int) -> None:
    paths = tmp_path / "content.png", tmp_path / "style.png"
    for path, levels in zip(paths, (CONTENT, STYLE), strict=True):
        Image.fromarray(levels).save(path)

    whole = lightstyle.stylize(*paths, model=model, settings=ON)
    kept = Checkpoint(tmp_path / "run.checkpoint")
    given: dict[str, Any] = {"model": model, "settings": ON}
    lightstyle.stylize(*paths, **given, callback=until(at), checkpoint=kept)
    resumed = lightstyle.resume(kept.path, model=model)
    assert totals(resumed) == totals(whole)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
