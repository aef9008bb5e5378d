"""The loss of one level as a function of pixels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import build_model
from lightstyle import Model, Settings, contract
from lightstyle.errors import UsageError
from lightstyle.losses.metrics import METRICS
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import StyleTarget, Targets
from lightstyle.losses.weights import term_weights
from lightstyle.settings.choices import StyleLoss
from lightstyle.settings.layers import LayerWeights
from tests.support.losses import objective
from tests.support.networks import picture, tiny_weights

SETTINGS = Settings(
    content_layers=LayerWeights.parse("conv5_2"),
    content_weight=2.0,
    style_weight=3e3,
    tv_weight=0.5,
)
START, CONTENT, STYLE, OTHER = (picture(48, 64, seed)[None] for seed in range(4))
STYLED = [*SETTINGS.style_layers.used]
STYLES = [StyleTarget(0, 1.0, STYLE)]


def test_the_loss_is_a_pure_function_of_the_pixels(model: Model) -> None:
    evaluate = objective(model, SETTINGS, START, CONTENT, STYLES)
    first, slope = evaluate(OTHER.ravel())
    evaluate(START.ravel())
    again, same = evaluate(OTHER.ravel())
    assert (first.total, first.terms) == (again.total, again.terms)
    np.testing.assert_array_equal(slope, same)


def test_losses_are_weighted_terms_that_add_up(model: Model) -> None:
    targets = Targets.of(model, SETTINGS, START, content=CONTENT, styles=STYLES)
    weights = term_weights(model, SETTINGS, targets, START)
    losses, _ = Objective(model, targets, weights)(OTHER.ravel())
    assert losses.size == (64, 48)
    assert [*losses.terms] == [*weights]
    assert losses.total == pytest.approx(sum(losses.terms.values()))
    area = 512**2 / (48 * 64)
    assert weights[contract.TV_LOSS] == 0.5 * area
    assert weights[contract.content_loss("conv5_2")] == 2.0 * area
    doubled = {name: 2 * weight for name, weight in weights.items()}
    twice, _ = Objective(model, targets, doubled)(OTHER.ravel())
    assert twice.terms == pytest.approx({n: 2 * v for n, v in losses.terms.items()})


def test_a_term_that_is_left_out_has_no_gradient(model: Model) -> None:
    targets = Targets.of(model, SETTINGS, START, content=CONTENT, styles=STYLES)
    weights = term_weights(model, SETTINGS, targets, START)
    whole, slope = Objective(model, targets, weights)(OTHER.ravel())
    parts = [
        Objective(model, targets, {n: w})(OTHER.ravel()) for n, w in weights.items()
    ]
    assert whole.total == pytest.approx(sum(losses.total for losses, _ in parts))
    added = np.sum([gradient for _, gradient in parts], axis=0, dtype=np.float64)
    assert np.linalg.norm(slope - added) < 1e-4 * np.linalg.norm(added)


@pytest.mark.parametrize("kind", ["content", "style"])
def test_a_loss_has_no_terms_of_pictures_that_are_not_given(
    model: Model, kind: str
) -> None:
    content, styles = (None, STYLES) if kind == "style" else (CONTENT, [])
    losses, _ = objective(model, SETTINGS, START, content, styles)(OTHER.ravel())
    assert {name.partition("_")[0] for name in losses.terms} == {kind, "tv"}


@pytest.mark.parametrize("kind", ["content", "style"])
def test_a_model_of_one_kind_of_layers_has_the_terms_of_that_kind(
    model: Model, tmp_path: Path, kind: str
) -> None:
    layers: dict[str, Any] = {"content_layers": ["conv5_2"], "style_layers": STYLED}
    layers[{"style": "content_layers", "content": "style_layers"}[kind]] = []
    build_model(tiny_weights(), tmp_path / "one.onnx", **layers)
    one = Model.load(tmp_path / "one.onnx", "cpu", 1)
    content, styles = (None, STYLES) if kind == "style" else (CONTENT, [])
    found, expected = (
        objective(each, SETTINGS, START, content, styles)(OTHER.ravel())[0]
        for each in (one, model)
    )
    assert found.terms == pytest.approx(expected.terms, rel=1e-5)


def test_all_weights_of_0_leave_nothing_to_minimise(model: Model) -> None:
    nothing = replace(SETTINGS, content_weight=0, style_weight=0, tv_weight=0)
    with pytest.raises(UsageError, match="all weights are 0"):
        objective(model, nothing, START, CONTENT, STYLES)


def test_every_style_loss_has_a_row() -> None:
    assert [*METRICS] == [*StyleLoss]
