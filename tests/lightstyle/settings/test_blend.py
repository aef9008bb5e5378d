from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Checkpoint, Model, Result, images
from lightstyle.errors import CheckpointError, UsageError
from lightstyle.losses.targets import StyleTarget
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.transfer.forecast import forecast
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.levels import Levels
from lightstyle.transfer.plans import Plans
from lightstyle.zoo import registry
from tests.conftest import Runner
from tests.support.losses import objective
from tests.support.networks import image, picture
from tests.support.transfers import (
    CONTENT,
    QUICK,
    STYLE,
    interrupt_commands,
    see_without_frames,
    totals,
    until,
)

OTHER = image(60, 90, 3) // 2


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Pictures, (3, H, W), whose style the network is asked for."""
    return see_without_frames(monkeypatch, "style_targets")


def _stylize(model: Model, style: Any, **changes: Any) -> Result:
    settings = replace(QUICK, **changes)
    return lightstyle.stylize(CONTENT, style, model=model, settings=settings)


def _texture(model: Model, style: Any, **changes: Any) -> Result:
    settings = replace(QUICK, **changes)
    return lightstyle.texture(style, (40, 48), model=model, settings=settings)


@pytest.mark.parametrize("job", [_stylize, _texture])
@pytest.mark.parametrize("blend", [(1.0, 0.0), (0.0, 0.1)])
@pytest.mark.parametrize("init", ["noise", "style"])
def test_a_style_that_counts_alone_makes_the_picture_that_it_makes_alone(
    model: Model, job: Callable[..., Result], blend: tuple[float, ...], init: str
) -> None:
    both = job(model, [STYLE, OTHER], blend=blend, init=init)
    alone = job(model, STYLE if blend[0] else OTHER, init=init)
    np.testing.assert_array_equal(both.image_hwc, alone.image_hwc)
    assert totals(both) == totals(alone)


def test_a_style_that_counts_alone_does_so_on_every_level(model: Model) -> None:
    levels = {"size": 128, "enlarge": True, "iterations": 20, "color": "match-style"}
    both = _stylize(model, [STYLE, OTHER], blend=(2.0, 0.0), **levels)
    alone = _stylize(model, [STYLE], **levels)
    np.testing.assert_array_equal(both.image_hwc, alone.image_hwc)


def test_styles_count_the_same_unless_told(model: Model) -> None:
    found = [
        totals(_stylize(model, [STYLE, OTHER], blend=blend, iterations=2))
        for blend in (None, (4.0, 4.0), (4.0, 3.0))
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("name", ["tiny", BUNDLED_MODEL])
def test_one_term_for_all_styles_has_the_gradient_of_one_term_for_each(
    model: Model, name: str
) -> None:
    if name != "tiny":
        model = registry.load(name, QUICK)
    first, second, *points = (picture(48, 64, seed)[None] for seed in range(4))

    def loss(*shared: tuple[float, np.ndarray]) -> list[tuple[float, np.ndarray]]:
        styles = [StyleTarget(0, share, pixels) for share, pixels in shared]
        evaluate = objective(model, QUICK, points[0], None, styles)
        found = [evaluate(point.ravel()) for point in points]
        return [(losses.total, gradient) for losses, gradient in found]

    blended = loss((0.75, first), (0.25, second))
    summed = [
        (0.75 * a + 0.25 * b, 0.75 * da + 0.25 * db)
        for (a, da), (b, db) in zip(
            loss((1.0, first)), loss((1.0, second)), strict=True
        )
    ]
    for (_, found), (_, expected) in zip(blended, summed, strict=True):
        off = np.linalg.norm(found - expected)
        assert off < 1e-4 * np.linalg.norm(expected)
    constants = [b[0] - a[0] for a, b in zip(blended, summed, strict=True)]
    assert constants[0] == pytest.approx(constants[1], rel=1e-3)
    assert constants[0] > 0


@pytest.mark.parametrize(
    ("scale", "sides"), [(0.8, [48, 48]), ((1.0, 0.9), [50, 54]), ([0.7, 2], [42, 90])]
)
def test_styles_have_one_scale_or_one_each(
    model: Model, seen: list[np.ndarray], scale: Any, sides: list[int]
) -> None:
    changes = {"size": 60, "style_scale": scale, "iterations": 1}
    _stylize(model, [STYLE, OTHER], **changes, style_weight=1.0)
    assert [max(each.shape) for each in seen] == sides


def test_every_style_is_matched_to_the_colours(
    model: Model, seen: list[np.ndarray]
) -> None:
    changes = {"color": "match-style", "iterations": 1, "style_weight": 1.0}
    _stylize(model, [STYLE, OTHER], **changes)
    sized = images.resized(images.load(CONTENT), (48, 32)).rgb_hwc
    assert len(seen) == 2
    for each in seen:
        np.testing.assert_allclose(
            each.mean(axis=(1, 2)), sized.mean(axis=(0, 1)), rtol=1e-3
        )


@pytest.mark.parametrize(
    ("style", "changes", "words"),
    [
        ([], {}, "style is empty"),
        ([STYLE, OTHER], {"blend": (1.0,)}, "1 number in --blend for 2 styles"),
        (STYLE, {"blend": (1.0, 2.0)}, "2 numbers in --blend for 1 style"),
        (
            [STYLE] * 3,
            {"style_scale": (1.0, 2.0)},
            "2 numbers in --style-scale for 3 styles",
        ),
    ],
)
def test_settings_of_another_number_of_styles_are_refused(
    model: Model, style: Any, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        _stylize(model, style, **changes)


def test_reconstruction_has_no_styles_to_blend(model: Model) -> None:
    settings = replace(QUICK, blend=(1.0, 2.0), style_scale=(1.0, 2.0))
    made = lightstyle.reconstruct(CONTENT, model=model, settings=settings)
    plain = lightstyle.reconstruct(CONTENT, model=model, settings=QUICK)
    np.testing.assert_array_equal(made.image_hwc, plain.image_hwc)


def test_memory_and_time_are_of_all_styles(model: Model) -> None:
    settings = replace(QUICK, init="content")
    one, two = (
        Inputs.read(settings, (48, 32), images.load(CONTENT), styles)
        for styles in ((images.load(STYLE),), (images.load(STYLE), images.load(OTHER)))
    )
    assert two.nbytes - one.nbytes == 4 * OTHER.size
    assert forecast(model, Plans(model, {}), Levels(two)).seconds > 0


def test_a_resumed_run_has_all_styles_or_is_refused(model: Model, studio: Path) -> None:
    Image.fromarray(OTHER).save("other.png")
    styles: list[str | Path] = ["style.png", Path("other.png")]
    settings = replace(QUICK, blend=(3, 2))
    given: dict[str, Any] = {"model": model, "settings": settings}
    whole = lightstyle.stylize("content.png", styles, **given)

    kept = Checkpoint(studio / "run.checkpoint")
    lightstyle.stylize(
        "content.png", styles, **given, callback=until(7), checkpoint=kept
    )
    resumed = lightstyle.resume(kept.path, model=model)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
    assert resumed.settings == whole.settings
    assert resumed.record.inputs.keys() == {"content", "style 1", "style 2"}
    Image.fromarray(STYLE).save("other.png")
    with pytest.raises(CheckpointError, match=r"style 2 .*other.png was changed"):
        lightstyle.resume(kept.path, model=model)


def test_the_command_takes_several_styles_and_goes_on_with_them(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(OTHER).save("other.png")
    options = ["--blend=3,1", "--style-scale=1,0.5", "--size=48", "--quiet"]
    command = ["stylize", "content.png", "style.png", "other.png", *options]
    command += ["--iterations=6"]
    assert run(*command, "-o", "whole.png").code == 0

    with monkeypatch.context() as patch:
        interrupt_commands(patch, 3)
        run(*command, "-o", "out.png", "--checkpoint", "auto")
    assert run("resume", "out.png.checkpoint").code == 0
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    like = ["--like", "whole.png", "--iterations=6", "-o", "again.png", "--quiet"]
    assert run("stylize", "content.png", "style.png", "other.png", *like).code == 0
    assert Path("again.png").read_bytes() == Path("whole.png").read_bytes()
    texture = ["texture", "style.png", "other.png", "--size=40x40", *options[:2]]
    assert run(*texture, "--iterations=2", "-o", "t.png").code == 0
