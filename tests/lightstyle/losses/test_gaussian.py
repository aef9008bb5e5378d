from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lightstyle
from lightstyle import Model, Settings, contract
from lightstyle.losses.gaussian import metric
from lightstyle.losses.metrics import identity
from lightstyle.losses.targets import Region, StyleRegion, StyleTarget
from lightstyle.settings.choices import StyleLoss
from lightstyle.transfer.regions import feeds, masks_rhw
from tests.support.losses import objective
from tests.support.networks import picture
from tests.support.oracles import relative_l2
from tests.support.transfers import CONTENT, QUICK, STYLE

WHOLE = (Region((StyleRegion(0, 1.0),)),)


def _random_gram(size: int, rank: int) -> Any:
    features = np.random.default_rng(size).normal(size=(size, rank))
    return (features @ features.T / rank).astype(np.float32)


def test_gram_matrices_are_compared_as_they_are() -> None:
    plain = identity(_random_gram(5, 9))
    np.testing.assert_array_equal(plain, np.eye(5))


def _wasserstein(a: Any, b: Any) -> float:
    """W2² between zero-mean Gaussians with covariances a and b."""

    def root(matrix: Any) -> Any:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    half = root(a)
    return float(np.trace(a) + np.trace(b) - 2 * np.trace(root(half @ b @ half)))


@pytest.mark.parametrize("size", [2, 6])
def test_near_the_style_the_metric_is_that_of_gaussians(size: int) -> None:
    random = np.random.default_rng(1)
    gram = np.eye(size) + 0.01 * _random_gram(size, 3 * size).astype(float)
    change = random.normal(size=(size, size))
    change = 1e-3 * (change + change.T)
    p = metric(gram.astype(np.float32)).astype(float)
    found = float(np.sum((p @ change @ p) ** 2))
    scale = 0.003 * np.linalg.norm(gram) / 1.1  # strength, size, ridge
    expected = scale * _wasserstein(gram, gram + change)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("gram", [_random_gram(7, 2), np.zeros((4, 4), np.float32)])
def test_a_style_without_some_directions_has_a_finite_metric(gram: Any) -> None:
    p = metric(gram)
    assert np.isfinite(p).all()
    np.testing.assert_array_equal(p, p.T)


def test_every_layer_adds_its_distance_in_the_metric(model: Model) -> None:
    content, style, start = (picture(48, 40, seed)[None] for seed in range(3))
    settings = Settings(style_loss=StyleLoss.GAUSSIAN, content_weight=0, style_weight=1)
    whole = feeds(WHOLE, masks_rhw(WHOLE, (40, 48)))
    styles = [StyleTarget(0, 1.0, style)]
    loss = objective(model, settings, start, content, styles, region_feeds=whole)
    losses, _ = loss(start.ravel())
    of, target = model.targets(start), model.targets(style)
    for layer, share in settings.style_layers.shares().items():
        name = contract.style_target(layer)
        p = metric(target[name]).astype(float)
        moved = np.sum((p @ (of[name] - target[name]).astype(float) @ p) ** 2)
        expected = share * moved / (4 * contract.CHANNELS[layer] ** 2)
        found = losses.terms[contract.style_loss(layer)]
        assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("changes", [{}, {"balance_layers": True}, {"init": "noise"}])
def test_a_picture_is_painted_with_it(model: Model, changes: dict[str, Any]) -> None:
    settings = replace(QUICK, style_loss=StyleLoss.GAUSSIAN, **changes)
    made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert made.loss < 0.9 * made.history[0].total or changes
    plain = replace(settings, style_loss=StyleLoss.GRAM)
    other = lightstyle.stylize(CONTENT, STYLE, model=model, settings=plain)
    assert relative_l2(made.image_hwc, other.image_hwc.astype(float)) > 1e-3


def test_a_texture_is_made_with_it(model: Model) -> None:
    settings = replace(QUICK, style_loss=StyleLoss.GAUSSIAN)
    made = lightstyle.texture(STYLE, (48, 64), model=model, settings=settings)
    assert made.loss < made.history[0].total
