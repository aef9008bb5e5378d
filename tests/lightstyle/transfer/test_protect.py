"""What must stay: a mask of where the style pulls less.

That the gradient of the guided loss is the loss's, for masks of any values, is shown in
`tests.export.test_guided`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Result, Settings, images
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ExitCode, ImageError
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.optimize.curvature import History
from lightstyle.quality import metrics
from lightstyle.transfer import regions
from tests.conftest import Runner
from tests.support.networks import image
from tests.support.transfers import (
    CONTENT,
    HEIGHT,
    NO_MASKS,
    QUICK,
    STYLE,
    WHITE,
    WIDTH,
    Mask,
    stylized,
)

OTHER = image(44, 60, 3)
LEFT = np.where(np.arange(WIDTH) < WIDTH // 2, 255, 0) * np.ones((HEIGHT, 1))
TOP = np.where(np.arange(HEIGHT) < HEIGHT // 2, 255, 0)[:, None] * np.ones((1, WIDTH))

SIDE = 64
DEMO = Path(lightstyle.__file__).parent / "demo"
SCENE = images.resized(images.load(DEMO / "scene.jpg"), (SIDE, SIDE)).rgb_hwc
SOFT_LEFT = np.clip((SIDE / 2 + 4 - np.arange(SIDE)) / 8, 0, 1) * np.ones((SIDE, 1))


@pytest.fixture(scope="module")
def lite() -> Model:
    return lightstyle.load_model(BUNDLED_MODEL, device="cpu", threads=1)


def _painted(model: Model, **changes: Any) -> Result:
    # Fixed weights, so that protection alone makes the difference.
    settings = Settings(size=SIDE, iterations=30, style_weight=30.0, **changes)
    return lightstyle.stylize(
        SCENE / 255, DEMO / "painting.jpg", model=model, settings=settings
    )


def _ssim(made: Result, columns: slice) -> float:
    return metrics.ssim(made.image_hwc[:, columns], SCENE[:, columns])


def test_what_is_protected_stays_like_the_content_and_the_rest_is_painted(
    lite: Model,
) -> None:
    plain = _painted(lite)
    mask = np.rint(255 * SOFT_LEFT).astype(np.uint8)
    made = _painted(lite, protect=mask)
    inside, outside = slice(0, SIDE // 2 - 8), slice(SIDE // 2 + 8, SIDE)
    assert _ssim(plain, inside) < 0.8
    assert 1 - _ssim(made, inside) < 0.5 * (1 - _ssim(plain, inside))
    assert _ssim(made, outside) == pytest.approx(_ssim(plain, outside), abs=0.1)
    np.testing.assert_array_less(0, np.abs(made.image_hwc - SCENE).max(axis=(0, 2)))


def test_white_all_over_weakens_the_style_everywhere_and_alike(
    model: Model, mask: Mask
) -> None:
    given = {"iterations": 1, "style_weight": 1.0, "init": "noise"}
    plain, made = (
        stylized(model, **given),
        stylized(model, protect=mask(WHITE), **given),
    )
    shares = {
        name: value / plain.history[0].terms[name]
        for name, value in made.history[0].terms.items()
    }
    styles = [share for name, share in shares.items() if name.startswith("style")]
    assert styles == pytest.approx([styles[0]] * len(styles), rel=1e-4)
    assert 0 < styles[0] < 0.1
    others = [share for name, share in shares.items() if name.startswith("content")]
    assert others == pytest.approx([1.0] * len(others), rel=1e-5)


@pytest.mark.parametrize("outside", ["keep", "blend"])
def test_pixels_outside_all_masks_stay_exactly_as_they_are(
    model: Model, mask: Mask, outside: str
) -> None:
    given = {"content_mask": (mask(LEFT),), "protect": mask(TOP), "outside": outside}
    made = stylized(model, iterations=20, **given)
    content = images.resized(images.load(CONTENT), (48, 32)).rgb_hwc
    difference = np.abs(made.image_hwc - content).max(axis=2)
    assert (difference[:, 26:].max() == 0) == (outside == "keep")
    # Protected pixels are not frozen: those would leave a seam.
    assert np.median(difference[:12, :20]) > 0
    assert np.median(difference[:12, :20]) < np.median(difference[20:, :20])


def test_every_region_has_less_weight_where_the_content_is_protected(
    mask: Mask,
) -> None:
    settings = replace(QUICK, content_mask=(mask(LEFT), mask(WHITE)), protect=mask(TOP))
    content = images.load(CONTENT)
    found = regions.read(settings, content, [images.load(STYLE), images.load(OTHER)])
    size = WIDTH, HEIGHT
    protected = regions.protected(settings, content)
    shares = regions.masks_rhw(found, size, protected) / np.maximum(
        regions.masks_rhw(found, size), 1e-6
    )
    where = regions.masks_rhw(found, size) > 0
    assert np.all(shares[:, : HEIGHT // 2][where[:, : HEIGHT // 2]] < 0.1)
    assert np.all(shares[:, HEIGHT // 2 :][where[:, HEIGHT // 2 :]] == 1)


def test_it_goes_with_several_styles_and_maps(model: Model, mask: Mask) -> None:
    path = mask(TOP)
    colors = [255, 0, 0], [0, 0, 255]
    where = mask(np.where(LEFT[..., None] > 0, *colors))
    half = np.arange(STYLE.shape[1])[None, :, None] < 20
    what = mask(np.where(half, *colors) * np.ones((50, 1, 1)))
    content = images.resized(images.load(CONTENT), (48, 32)).rgb_hwc
    for styles, given in (
        ([STYLE, OTHER], {}),
        ([STYLE, OTHER], {"content_mask": (mask(LEFT), mask(255 - LEFT))}),
        (STYLE, {"regions": (where, what)}),
        (STYLE, {"style_loss": "gaussian"}),
    ):
        made = stylized(model, styles, protect=path, strength=0.8, **given)
        difference = np.abs(made.image_hwc - content)
        assert difference[:12].mean() < difference[20:].mean(), given


def test_in_strips_it_is_the_whole(
    model: Model, mask: Mask, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"protect": mask(LEFT), "size": 60, "iterations": 4, "style_weight": 30.0}
    whole = stylized(model, **given)
    sweeps = dict.fromkeys(range(1, 6), 16), dict.fromkeys(range(1, 6), 20)
    narrow = ExecutionPlan(Tiling(*sweeps), History(5))
    monkeypatch.setattr(Planner, "choose", lambda *_: narrow)
    strips = stylized(model, **given)
    np.testing.assert_allclose(strips.image_hwc, whole.image_hwc, atol=0.05)


def test_a_path_an_array_and_an_image_are_the_same(model: Model, mask: Mask) -> None:
    levels = np.asarray(LEFT, np.uint8)
    forms = [mask(levels), levels, levels > 0, Image.fromarray(levels)]
    made = [stylized(model, protect=form, iterations=3) for form in forms]
    for other in made[1:]:
        np.testing.assert_array_equal(other.image_hwc, made[0].image_hwc)
    assert made[0].record.inputs["protect"]["sha256"]


@NO_MASKS
def test_a_mask_that_is_none_is_told_so(
    model: Model, mask: Mask, levels: Any, words: str
) -> None:
    with pytest.raises(ImageError, match=rf"^protect .*{words}"):
        stylized(model, protect=mask(levels))


def test_all_is_no_word_for_it_but_the_name_of_a_file(model: Model) -> None:
    with pytest.raises(ImageError, match=r"^protect all: there is no such file"):
        stylized(model, protect="all")


def test_jobs_of_one_picture_do_not_take_it(
    model: Model, run: Runner, studio: Path
) -> None:
    settings = replace(QUICK, protect="none.png", iterations=2)
    plain = replace(settings, protect=None)
    assert (
        lightstyle.texture(STYLE, (48, 48), model=model, settings=settings).loss
        == lightstyle.texture(STYLE, (48, 48), model=model, settings=plain).loss
    )
    for command in (["texture", "style.png"], ["content", "content.png"]):
        done = run(*command, "--protect", "mask.png", "-o", "out.png")
        assert done.code == ExitCode.USAGE
        assert "--protect" in done.lines[0]


def test_a_picture_is_made_again_with_its_mask(
    run: Runner, studio: Path, mask: Mask
) -> None:
    Path(mask(LEFT)).rename("face.png")
    command = ["stylize", "content.png", "style.png", "--quiet"]
    quick = ["--size", "48", "--iterations", "3"]
    given = ["--protect", "face.png", "-o", "a.png"]
    assert run(*command, *quick, *given).code == ExitCode.OK
    assert run(*command, "--like", "a.png", "-o", "b.png").code == ExitCode.OK
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
