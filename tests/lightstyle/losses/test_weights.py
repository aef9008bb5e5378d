from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lightstyle
from lightstyle import Checkpoint, LayerWeights, Model, Settings, contract
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import StyleTarget, Targets
from lightstyle.losses.weights import balanced, term_weights
from tests.support.networks import picture
from tests.support.transfers import until

BALANCED = Settings(size=128, iterations=20, balance_layers=True)


def _norms(model: Model, settings: Settings) -> dict[str, float]:
    """Of the gradient of each style layer at the start of a run from the content."""
    content, style = (picture(40, 48, seed)[None] for seed in (1, 2))
    styles = [StyleTarget(0, 1.0, style)]
    targets = Targets.of(model, settings, content, content=content, styles=styles)
    weights = term_weights(model, settings, targets, content)
    found = {}
    for layer in model.info.style_layers:
        name = contract.style_loss(layer)
        alone = Objective(model, targets, {name: weights.get(name, 0.0)})
        _, gradient = alone(content.ravel())
        found[layer] = float(np.linalg.norm(gradient))
    return found


def test_the_five_style_gradients_are_equal_in_norm_at_the_start(model: Model) -> None:
    found = _norms(model, BALANCED)
    assert len(found) == 5
    mean = np.mean([*found.values()])
    np.testing.assert_allclose([*found.values()], mean, rtol=0.01)
    plain = _norms(model, replace(BALANCED, balance_layers=False))
    assert max(plain.values()) > 2 * min(plain.values())
    assert np.hypot.reduce([*found.values()]) == pytest.approx(
        np.hypot.reduce([*plain.values()]), rel=0.01
    )


def test_layers_without_weight_have_none_after(model: Model) -> None:
    layers = LayerWeights({"conv1_1": 5.0, "conv3_1": 1.0})
    found = _norms(model, replace(BALANCED, style_layers=layers))
    assert found["conv1_1"] == pytest.approx(found["conv3_1"], rel=0.01)
    assert found["conv2_1"] == found["conv4_1"] == found["conv5_1"] == 0


def test_terms_without_a_gradient_keep_their_weight() -> None:
    norms = {"a": 0.0, "b": 3.0, "c": 4.0}
    found = balanced({"a": 7.0, "b": 1.0, "c": 1.0, "d": 0.0}, norms.__getitem__)
    assert found == pytest.approx(
        {"a": 7.0, "b": 5 / 18**0.5, "c": 5 / 32**0.5, "d": 0}
    )
    assert balanced({"a": 7.0}, norms.__getitem__) == {"a": 7.0}


@pytest.mark.parametrize("at", [4, 12])
def test_a_resumed_run_is_balanced_where_it_began(
    model: Model, studio: Path, at: int
) -> None:
    settings = replace(BALANCED, enlarge=True)
    given: dict[str, Any] = {"model": model, "settings": settings}
    whole = lightstyle.stylize("content.png", "style.png", **given)

    kept = Checkpoint(studio / "run.checkpoint")
    lightstyle.stylize(
        "content.png", "style.png", **given, callback=until(at), checkpoint=kept
    )
    resumed = lightstyle.resume(kept.path, model=model)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
    assert len(whole.history) == 20
