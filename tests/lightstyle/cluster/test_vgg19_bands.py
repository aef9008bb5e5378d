"""The real VGG19, and its small kin, in bands against the whole picture: minutes."""

from typing import Any

import numpy as np
import pytest

from export import STYLE_LAYERS, build_model
from lightstyle import Model, contract
from lightstyle.cluster.bands import BandedModel
from lightstyle.engine.guides import guides
from lightstyle.engine.strips import Tiling
from lightstyle.losses.gaussian import metric
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.zoo import registry
from tests.export import test_vgg19_parts as parts
from tests.support.bands import InlineCrew, spread
from tests.support.networks import needs_vgg19, picture, weighed
from tests.support.oracles import relative_l2, terms_in

pytestmark = pytest.mark.slow

SIZE, COUNTS = (773, 97), [1, 2, 3, 5]
TALL = "96x2000"
ENTIRE = dict.fromkeys(range(1, 6), 4096)


def _tiling(count: int, *, keeps: bool) -> Tiling:
    return Tiling(ENTIRE, ENTIRE, bands=count, keeps=keeps)


@needs_vgg19
@pytest.mark.parametrize("pooling", contract.POOLINGS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("keeps", [False, True])
def test_portable_graphs_in_bands_give_the_loss_and_gradient_of_the_whole(
    pooling: str, count: int, keeps: bool
) -> None:
    scene, tiled = parts._scene(TALL, pooling), parts._portable(pooling)
    layers = [layer for kind in parts.LAYERS for layer in kind]
    banded = BandedModel(tiled.heads, layers, InlineCrew(tiled, count))
    outputs = banded.evaluate(scene.image, scene.feeds, _tiling(count, keeps=keeps))
    gradient = outputs.pop(contract.GRADIENT)
    assert sum(terms_in(outputs).values()) == pytest.approx(
        sum(scene.terms.values()), rel=1e-6
    )
    assert relative_l2(gradient, scene.gradient) < 1e-5


@pytest.fixture(
    scope="module",
    params=[
        *(pytest.param(pooling, marks=needs_vgg19) for pooling in contract.POOLINGS),
        BUNDLED_MODEL,
    ],
)
def cpu(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """A model whose graphs are those for CPUs: VGG19 with a pooling, or the bundled."""
    if request.param == BUNDLED_MODEL:
        path = registry.find(BUNDLED_MODEL)
    else:
        path = tmp_path_factory.mktemp("vgg19") / "vgg19.onnx"
        build_model(parts._network(), path, pooling=request.param)
    return Model.load(path, "cpu")


def _plain(model: Model) -> dict[str, Any]:
    return weighed(model.targets(picture(*SIZE, 1)[None]), 1, tv_weight=0.1)


def _guided(model: Model) -> dict[str, Any]:
    """Two regions with soft edges and a style each, one in the metric of gaussian."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    soft = np.array([np.clip((x + y - 200) / 400, 0, 1), (x + y) % 7 < 3], np.float32)
    feeds = _plain(model)
    styles = [model.targets(picture(*SIZE, seed)[None]) for seed in (2, 3)]
    for layer in STYLE_LAYERS:
        name = contract.style_target(layer)
        grams = [each[name] for each in styles]
        feeds[name] = np.stack(grams)
        flat = np.eye(grams[0].shape[-1], dtype=np.float32)
        feeds[contract.style_metric(layer)] = np.stack([metric(grams[0]), flat])
    feeds |= guides(soft)
    return feeds | {contract.REGION_WEIGHT: np.array([[0.7], [1.5]], np.float32)}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("of", [_plain, _guided])
def test_graphs_for_cpus_in_bands_are_as_close_as_their_rounding_lets_them(
    cpu: Model, of: Any, count: int, keeps: bool
) -> None:
    image, feeds = picture(*SIZE)[None], of(cpu)
    whole = cpu.evaluate(image, feeds)
    with spread(cpu, count):
        found = cpu.evaluate(image, feeds, _tiling(count, keeps=keeps))
    assert sum(found.terms.values()) == pytest.approx(
        sum(whole.terms.values()), rel=1e-6
    )
    assert relative_l2(found.gradient, whole.gradient.astype(np.float64)) < 2e-3
