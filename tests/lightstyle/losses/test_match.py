"""Runs with `style_loss` ``match``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import build_model
from lightstyle import Checkpoint, LayerWeights, Model, Result, Settings, contract
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ModelError, UsageError
from lightstyle.images.frame import Frame
from lightstyle.losses import matching
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import StyleTarget
from lightstyle.records.record import Record
from lightstyle.zoo import registry
from tests.support.losses import objective
from tests.support.networks import image, picture, tiny_weights
from tests.support.oracles import gram
from tests.support.transfers import CONTENT, QUICK, STYLE, totals, until

MATCHED = ("conv3_1", "conv4_1", "conv5_1")
#: Without conv3_1 among the content layers, so that all of `MATCHED` are matched.
MATCH = replace(
    QUICK, style_loss="match", content_layers=LayerWeights.parse("conv4_2,conv5_2")
)
LEVELS = replace(MATCH, size=192, enlarge=True, iterations=20)
OTHER = image(60, 90, 3) // 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("match") / "tiny.onnx"
    build_model(tiny_weights(), path, content_layers=[*MATCHED, "conv4_2", "conv5_2"])
    return Model.load(path, "cpu", 1)


def _stylize(model: Model, style: Any = STYLE, **changes: Any) -> Result:
    settings = replace(MATCH, **changes)
    return lightstyle.stylize(CONTENT, style, model=model, settings=settings)


def _objective(
    model: Model, settings: Settings, plan: Tiling | None = None
) -> Objective:
    start, content, style = (picture(48, 64, seed)[None] for seed in (1, 2, 3))
    styles = [StyleTarget(0, 1.0, style)]
    return objective(model, settings, start, content, styles, tiling=plan)


def _features(model: Model, pixels: Any) -> dict[str, Any]:
    found = model.targets(pixels.astype(np.float32))
    return {n: v[0].astype(np.float64) for n, v in found.items() if "content" in n}


def _columns(features: dict[str, Any], layer: str) -> Any:
    found = features[contract.content_target(layer)]
    return found.reshape(len(found), -1)


def test_terms_are_those_of_the_definition(model: Model) -> None:
    start, _, style = (picture(48, 64, seed)[None] for seed in (1, 2, 3))
    at = picture(48, 64, 4)[None]
    terms = _objective(model, replace(MATCH, style_weight=1e4))(at.ravel())[0].terms
    begun, painted, here = (_features(model, p) for p in (start, style, at))
    shares = MATCH.style_layers.shares()
    for layer in MATCHED:
        f, q, s = (_columns(each, layer) for each in (here, begun, painted))
        a, b = (x - x.mean(axis=1, keepdims=True) for x in (q, s))
        a, b = (x / np.linalg.norm(x, axis=0) for x in (a, b))
        target = s[:, np.argmax(a.T @ b, axis=1)]
        squares = np.sum((f - target) ** 2) / f.shape[1]
        norm = np.linalg.norm(gram(painted[contract.content_target(layer)]))
        scale = norm / (4 * contract.CHANNELS[layer] ** 2)
        expected = shares[layer] * 1e4 * 1e-3 * scale * squares
        assert terms[contract.style_loss(layer)] == pytest.approx(expected, rel=1e-5)
    plainly = replace(MATCH, style_loss="gram", style_weight=1e4)
    plain = _objective(model, plainly)(at.ravel())[0].terms
    others = {n: v for n, v in plain.items() if n[-7:] not in MATCHED}
    assert {n: terms[n] for n in others} == others
    assert len(terms) == len(others) + len(MATCHED) == 7
    parts = [name.partition("_")[0] for name in terms]
    assert parts == [*["content"] * 2, *["style"] * 5]


def test_the_gradient_is_that_of_the_loss(model: Model) -> None:
    only = LayerWeights(dict.fromkeys(MATCHED, 1.0))
    loss = _objective(model, replace(MATCH, style_layers=only))
    at = picture(48, 64, 4)[None].astype(np.float64)
    gradient = loss(at.ravel())[1].reshape(at.shape).astype(np.float64)
    unit = gradient / np.linalg.norm(gradient)
    ahead, behind = (loss((at + h * unit).ravel())[0].total for h in (0.05, -0.05))
    assert (ahead - behind) / 0.1 == pytest.approx(np.sum(gradient * unit), rel=1e-2)


def test_in_strips_the_loss_is_the_same(model: Model) -> None:
    sweeps = dict.fromkeys(range(1, 6), 16), dict.fromkeys(range(1, 6), 20)
    at = picture(48, 64, 4)[None].ravel()
    whole, gradient = _objective(model, MATCH)(at)
    in_parts = _objective(model, MATCH, Tiling(*sweeps))(at)
    assert in_parts[0].total == pytest.approx(whole.total, rel=1e-5)
    assert np.linalg.norm(in_parts[1] - gradient) < 1e-3 * np.linalg.norm(gradient)


def test_a_style_in_its_own_style_has_nothing_left_to_match(model: Model) -> None:
    result = lightstyle.stylize(
        STYLE, STYLE, model=model, settings=replace(MATCH, iterations=1)
    )
    assert result.history[0].total == pytest.approx(0, abs=1e-3)


def test_targets_are_found_once_for_each_level(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []
    find = matching.targets

    def spy(features: Any, styles: Any) -> Any:
        shapes.append(features[contract.content_target("conv3_1")].shape[2:])
        return find(features, styles)

    monkeypatch.setattr(matching, "targets", spy)
    settings = replace(LEVELS, style_weight=1e4)
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    sizes = dict.fromkeys(Frame(losses.size).canvas for losses in result.history)
    assert shapes == [(height // 4, width // 4) for width, height in sizes]
    assert len(shapes) == 2


def test_a_texture_from_noise_comes_nearer_to_its_style(model: Model) -> None:
    settings = replace(MATCH, iterations=30)
    result = lightstyle.texture(STYLE, (40, 56), model=model, settings=settings)
    assert result.loss < 0.5 * result.history[0].total


def test_a_content_alone_is_reconstructed_as_ever(model: Model) -> None:
    found = lightstyle.reconstruct(CONTENT, model=model, settings=MATCH)
    gram = replace(MATCH, style_loss="gram")
    plain = lightstyle.reconstruct(CONTENT, model=model, settings=gram)
    assert totals(found) == totals(plain)


def test_styles_that_count_for_nothing_are_not_searched(model: Model) -> None:
    alone, with_other, both = (
        totals(_stylize(model, styles, blend=blend, iterations=3))
        for styles, blend in (
            (STYLE, None),
            ([STYLE, OTHER], (1.0, 0.0)),
            ([STYLE, OTHER], None),
        )
    )
    assert alone == with_other != both


def test_a_mask_of_the_style_leaves_matches_out(model: Model, tmp_path: Path) -> None:
    levels = np.zeros(STYLE.shape[:2], np.uint8)
    levels[:25] = 255
    Image.fromarray(levels).save(tmp_path / "mask.png")
    masked = _stylize(model, style_mask=(str(tmp_path / "mask.png"),), iterations=2)
    terms = masked.history[0].terms
    plain = _stylize(model, iterations=2).history[0].terms
    assert terms.keys() == plain.keys()
    assert all(terms[f"style_loss/{n}"] != plain[f"style_loss/{n}"] for n in MATCHED)


@pytest.mark.parametrize("at", [4, 12])
@pytest.mark.parametrize("job", ["stylize", "texture"])
def test_a_resumed_run_has_the_targets_that_it_began_with(
    model: Model, studio: Path, at: int, job: str
) -> None:
    first = ("content.png",) if job == "stylize" else ()
    last = () if job == "stylize" else ((128, 96),)
    given: dict[str, Any] = {"model": model, "settings": LEVELS}
    make = getattr(lightstyle, job)
    whole = make(*first, "style.png", *last, **given)
    kept = Checkpoint(studio / "run.checkpoint")
    make(*first, "style.png", *last, **given, callback=until(at), checkpoint=kept)
    resumed = lightstyle.resume(kept.path, model=model)
    assert totals(resumed) == totals(whole)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)


def test_a_content_layer_is_compared_with_the_style_by_its_gram_matrix(
    model: Model,
) -> None:
    settings = replace(MATCH, content_layers=Settings().content_layers)
    assert settings.matched_layers == ("conv4_1", "conv5_1")
    start, content, style = (picture(48, 64, seed)[None] for seed in (1, 2, 3))
    styles = [StyleTarget(0, 1.0, style)]
    matched, plain = (
        objective(model, each, start, content, styles)(start.ravel())[0].terms
        for each in (settings, replace(settings, style_loss="gram"))
    )
    name = contract.style_loss("conv3_1")
    assert matched[name] == plain[name]
    assert matched[contract.style_loss("conv4_1")] != pytest.approx(
        plain[contract.style_loss("conv4_1")]
    )


def test_a_picture_can_be_made_again(model: Model, tmp_path: Path) -> None:
    made = _stylize(model)
    made.save(tmp_path / "made.png")
    record = Record.read(tmp_path / "made.png")
    again = lightstyle.stylize(CONTENT, STYLE, model=model, like=record)
    assert again.settings.style_loss == "match"
    np.testing.assert_array_equal(again.image_hwc, made.image_hwc)


def test_a_model_is_built_again_with_the_layers_that_are_matched(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = registry.load(tiny_model, MATCH, "cpu")
    assert {*loaded.info.content_layers} == {*MATCHED, *MATCH.content_layers.used}
    monkeypatch.setattr("lightstyle.zoo.registry._EXPORTERS", ())
    with pytest.raises(ModelError, match="without content layer conv4_1, "):
        registry.check(Model.load(tiny_model, "cpu", 1).info, MATCH)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"style_layers": {"conv2_1": 1.0}},
            "block 3 or deeper that is no content layer, got --style-layers conv2_1:1",
        ),
        (
            {"style_layers": {"conv4_1": 1.0}, "content_layers": {"conv4_1": 1.0}},
            "no content layer, got .* conv4_1:1 and --content-layers conv4_1:1$",
        ),
        ({"balance_layers": True}, "cannot be combined with --balance-layers"),
        ({"content_mask": ("all",)}, "cannot be combined with --content-mask"),
        ({"regions": ("a.png", "b.png")}, "cannot be combined with --regions"),
        ({"protect": "a.png"}, "cannot be combined with --protect"),
    ],
)
def test_what_does_not_go_together_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    changes = {
        name: LayerWeights(value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    with pytest.raises(UsageError, match=words):
        replace(MATCH, **changes)
    replace(QUICK, **changes)
