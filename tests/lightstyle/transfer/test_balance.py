"""The weights that a strength finds, and what a run makes of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lightstyle
from lightstyle import Checkpoint, Model, Result, Settings, Status, contract, images
from lightstyle.errors import ExitCode, TransferError, UsageError
from lightstyle.images.frame import framed
from lightstyle.losses import likeness
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.records.record import Record
from lightstyle.transfer import balance
from tests.conftest import Runner
from tests.support.networks import break_evaluation, image
from tests.support.transfers import CONTENT, QUICK, STYLE, stylized, until

SIDE = 64
SETTINGS = Settings(size=SIDE, iterations=50)
DEMO = Path(lightstyle.__file__).parent / "demo"
SCENE = images.resized(images.load(DEMO / "scene.jpg"), (SIDE, SIDE)).rgb_hwc / 255
FLAT = np.full((SIDE, SIDE, 3), 90, np.uint8)


def _pale() -> NDArray[np.uint8]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([200 + x / 4, 210 + y / 4, 220 + 0 * x], 2).astype(np.uint8)


#: A painting, noise, and colours that hardly differ.
STYLES: dict[str, Any] = {
    "painting": DEMO / "painting.jpg",
    "noise": image(SIDE, SIDE, 3),
    "pale": _pale(),
}


@pytest.fixture(scope="module")
def lite() -> Model:
    return lightstyle.load_model(BUNDLED_MODEL, device="cpu", threads=1)


def _run(model: Model, style: Any, **changes: Any) -> Result:
    settings = replace(SETTINGS, **changes)
    return lightstyle.stylize(SCENE, style, model=model, settings=settings)


def _lost(model: Model, style: Any, **changes: Any) -> float:
    """How much of the content the picture has lost, framed as in a run."""
    pictures = SCENE * np.float32(255), _run(model, style, **changes).image_hwc
    content, made = (
        model.targets(framed(images.to_pixels(each)))[
            contract.content_target("conv4_2")
        ]
        for each in pictures
    )
    return likeness.lost(made, content)


def test_as_much_content_is_lost_in_every_pair(lite: Model) -> None:
    goal = balance.goal(0.5)
    found = [_lost(lite, each, strength=0.5) for each in STYLES.values()]
    assert all(goal / 1.6 < share < 1.6 * goal for share in found), (goal, found)
    given = {"style_weight": 1.0, "iterations": 25}
    fixed = [_lost(lite, each, **given) for each in STYLES.values()]
    assert max(fixed) / min(fixed) > 1.5 * max(found) / min(found)


def test_a_higher_strength_loses_more(lite: Model) -> None:
    style = STYLES["painting"]
    weak, strong = (_lost(lite, style, strength=s) for s in (0.3, 0.8))
    assert 0 < 2 * weak < strong


def test_strength_0_gives_the_content_back(model: Model) -> None:
    made = stylized(model, strength=0.0)
    content = images.resized(images.load(CONTENT), (48, 32)).rgb_hwc
    np.testing.assert_allclose(made.image_hwc, content, atol=0.01)
    assert made.loss == 0


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("content", "style"),
    [(CONTENT, CONTENT), (FLAT, STYLE), (FLAT, FLAT), (CONTENT, FLAT)],
    ids=["the same", "flat content", "both flat", "flat style"],
)
def test_pairs_without_a_scale_are_painted_as_well(
    model: Model, content: Any, style: Any, strength: float
) -> None:
    settings = replace(QUICK, strength=strength)
    made = lightstyle.stylize(content, style, model=model, settings=settings)
    assert np.isfinite(made.loss)
    if content is style:
        sized = images.resized(images.load(content), made.image_hwc.shape[1::-1])
        np.testing.assert_allclose(made.image_hwc, sized.rgb_hwc, atol=0.01)


def test_given_weights_are_taken_as_they_are(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "_Search", None)
    for given in ({"style_weight": 7.0}, {"content_weight": 3.0, "style_weight": 1.0}):
        weights = stylized(model, **given).record.balance
        assert weights is not None
        assert {f"{k}_weight": v for k, v in vars(weights).items()}.items() >= (
            given.items()
        )
        assert weights.tv == 0


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_total_variation_beside_a_strength_is_taken_as_it_is(
    model: Model, strength: float
) -> None:
    for weight in (0.0, 5.0):
        made = stylized(model, strength=strength, tv_weight=weight)
        assert made.record.balance is not None
        assert made.record.balance.tv == weight
        assert ("tv_loss" in made.history[0].terms) == (weight > 0)


@pytest.mark.parametrize("name", ["content_weight", "style_weight"])
def test_a_weight_beside_a_strength_is_refused_by_name(name: str) -> None:
    option = name.replace("_", "-")
    with pytest.raises(UsageError, match=f"^--strength cannot .* --{option}: "):
        Settings(strength=0.5, **{name: 1.0})  # type: ignore[arg-type]


@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_a_loss_that_is_not_finite_ends_the_search_as_it_would_the_run(
    model: Model, monkeypatch: pytest.MonkeyPatch, evaluation: int
) -> None:
    break_evaluation(monkeypatch, evaluation)
    with pytest.raises(TransferError, match=r"^no weights for strength 0\.5 can be"):
        stylized(model)


def test_a_total_variation_that_is_too_large_is_told(model: Model) -> None:
    with pytest.raises(TransferError, match=r"lower tv-weight 1e\+300$"):
        stylized(model, tv_weight=1e300)


def test_weights_that_are_given_and_too_large_end_in_the_run(model: Model) -> None:
    with pytest.raises(TransferError, match=r"lower the weights \(style-weight is 1e"):
        stylized(model, style_weight=1e300)


def test_the_same_weights_are_found_again(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["stylize", "content.png", "style.png", "--quiet"]
    quick = ["--size", "60", "--iterations", "13", "--strength", "0.7"]
    assert run(*command, *quick, "-o", "a.png").code == ExitCode.OK
    assert run(*command, "--like", "a.png", "-o", "b.png").code == ExitCode.OK
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert Record.read("b.png").settings.strength == 0.7


def test_a_resumed_run_keeps_its_weights_and_does_not_search(
    model: Model, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"model": model, "settings": replace(QUICK, strength=0.6)}
    whole = lightstyle.stylize("content.png", "style.png", **given)
    kept = Checkpoint(studio / "run.checkpoint")
    lightstyle.stylize(
        "content.png", "style.png", **given, callback=until(5), checkpoint=kept
    )
    monkeypatch.setattr(balance, "_Search", None)
    resumed = lightstyle.resume(kept.path, model=model)
    assert resumed.status is Status.BUDGET_SPENT
    assert resumed.record.balance == whole.record.balance
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)


def test_other_jobs_search_no_weights(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "_Search", None)
    settings = replace(QUICK, strength=0.3)
    made = [
        lightstyle.texture(STYLE, (48, 40), model=model, settings=settings),
        lightstyle.reconstruct(CONTENT, model=model, settings=settings),
    ]
    assert [each.settings.strength for each in made] == [None, None]


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ({"style_weight": 5, "content_weight": 2}, {"strength": 0.2}, (0.2, None)),
        ({"strength": 0.2}, {"style_weight": 5}, (None, 5)),
        ({"strength": 0.2}, {"content_weight": 5}, (None, None)),
        ({"strength": 0.2}, {"style_weight": None, "seed": 3}, (0.2, None)),
        ({"style_weight": 5}, {"strength": None}, (None, 5)),
        ({"style_weight": 5}, {"seed": 3}, (None, 5)),
    ],
)
def test_what_comes_later_replaces_what_it_excludes(
    before: dict[str, Any],
    values: dict[str, Any],
    after: tuple[float | None, float | None],
) -> None:
    changed = Settings(**before).changed(values)
    assert (changed.strength, changed.style_weight) == after
    with pytest.raises(UsageError, match="--strength cannot be combined"):
        Settings(**before).changed({"strength": 0.1, "style_weight": 1.0})


def test_the_command_line_replaces_what_a_preset_or_a_picture_says(
    run: Runner, studio: Path
) -> None:
    command = ["stylize", "content.png", "style.png", "--quiet", "--overwrite"]
    quick = ["--size", "48", "--iterations", "2"]
    preset = [*quick, "--config", "gatys"]

    def made(name: str, *options: str) -> Settings:
        done = run(*command, "-o", name, *options)
        assert done.code == ExitCode.OK, done.lines
        return Record.read(name).settings

    strong = made("a.png", *preset, "--strength", "0.3")
    assert (strong.dial, strong.content_weight) == (0.3, None)
    assert strong.content_layers.used == ("conv5_2",)
    weighed = made("b.png", "--like", "a.png", "--style-weight", "9")
    assert (weighed.dial, weighed.style_weight) == (None, 9)
    again = made("c.png", "--like", "b.png", "--strength", "0.4")
    assert (again.dial, again.style_weight) == (0.4, None)
    assert made("d.png", "--like", "c.png", "--config", "gatys").dial is None
    both = ["--strength", "0.4", "--style-weight", "9"]
    done = run(*command, "-o", "e.png", *quick, *both)
    assert done.code == ExitCode.USAGE
    assert "--strength cannot be combined with --style-weight" in done.lines[0]
