"""Whole descents: evaluation and step, of a small network and of the bundled one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lightstyle
from export import CONTENT_LAYERS, STYLE_LAYERS, model
from export.network import LossNetwork
from export.optimizer.step import descent_graph
from export.weights import read_weights
from lightstyle import contract
from lightstyle import step_contract as names
from lightstyle.images import load, resized, to_pixels
from tests.support.networks import feeds_for, loss_for, picture, tiny_weights
from tests.support.runners import Run, runner
from tests.support.steps import Walk, begun, reference, step_runner

Picture = NDArray[np.float32]

DEMO = Path(lightstyle.__file__).parent / "demo"
LITE = Path(__file__).resolve().parents[3] / "models" / "vgg19-lite.safetensors"


class Loss:
    """A network's loss between pictures, in float32."""

    def __init__(self, evaluation: Run, feeds: dict[str, Any]) -> None:
        self.evaluation, self.feeds = evaluation, feeds

    def __call__(self, point: NDArray[Any], size: tuple[int, int]) -> Any:
        """Weighted partial sums and gradient."""
        image = point.reshape(1, 3, *size)
        found = self.evaluation({contract.IMAGE: image, **self.feeds})
        return found[contract.WEIGHTED_SUMS], found[contract.GRADIENT]

    def by_graph(self, walk: Walk, evaluations: int) -> tuple[Walk, list[float]]:
        """Descend; return the losses too."""
        losses, size = [], (walk.image.shape[2], walk.image.shape[3])
        for _ in range(evaluations):
            walk = walk.step(lambda point: self(point, size))
            losses.append(walk.numbers["loss"])
        return walk, losses

    def by_reference(self, start: Picture, pairs: int, evaluations: int) -> list[float]:
        """Descend with `LBFGS`; return the losses."""
        optimizer, losses = reference(start, pairs), []
        for _ in range(evaluations):
            sums, gradient = self(optimizer.propose(), start.shape[2:])
            losses.append(float(sums.sum(dtype=np.float64)))
            optimizer.accept(losses[-1], gradient.ravel())
        return losses


SIZE = 40, 51


@pytest.fixture(scope="module")
def network() -> LossNetwork:
    return LossNetwork(tiny_weights(), CONTENT_LAYERS, STYLE_LAYERS)


@pytest.fixture(scope="module")
def loss(network: LossNetwork) -> Loss:
    """Between two pictures of which the second is another's size."""
    terms = dict.fromkeys(CONTENT_LAYERS, 2.0), dict.fromkeys(STYLE_LAYERS, 30.0)
    pictures = picture(*SIZE, seed=1), picture(50, 44, seed=2)
    between = loss_for(network.weights, *pictures, *terms, "max", tv_weight=0.01)
    return Loss(runner(model.evaluation(network)), feeds_for(between, np.float32))


@pytest.mark.parametrize("rewrite", [False, True])
def test_the_first_evaluations_of_a_run_are_those_of_the_reference(
    loss: Loss, rewrite: bool
) -> None:
    start = picture(*SIZE)[None]
    sums, _ = loss(start, SIZE)
    walk = begun(step_runner(rewrite=rewrite), start, 5, len(sums))
    _, losses = loss.by_graph(walk, 8)
    assert losses == pytest.approx(loss.by_reference(start, 5, 8), rel=1e-5)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("rewrite", [False, True])
def test_evaluation_and_step_in_one_graph_are_the_two(
    network: LossNetwork, loss: Loss, rewrite: bool
) -> None:
    merged = runner(descent_graph(model.evaluation(network), rewrite=rewrite))
    start = picture(*SIZE)[None]
    sums, _ = loss(start, SIZE)
    walk = begun(step_runner(rewrite=rewrite), start, 5, len(sums))
    image, state = walk.image, walk.state
    for _ in range(6):
        feeds = {**loss.feeds, contract.IMAGE: image, names.FREE: walk.free, **state}
        found = merged(feeds)
        image = found[names.following(contract.IMAGE)]
        state = {name: found[names.following(name)] for name in state}
        walk, (total,) = loss.by_graph(walk, 1)
        assert found[contract.WEIGHTED_LOSSES].sum() == pytest.approx(total, rel=1e-6)
        np.testing.assert_allclose(image, walk.image, atol=1e-3)
        np.testing.assert_allclose(
            state[names.NUMBERS], walk.state[names.NUMBERS], rtol=1e-4
        )


@pytest.fixture(scope="module")
def lite() -> tuple[Run, Run]:
    """Evaluation and targets of the bundled model."""
    network = LossNetwork(read_weights(LITE), ["conv4_2"], STYLE_LAYERS)
    return runner(model.evaluation(network)), runner(model.targets(network))


def _demo(name: str, size: tuple[int, int]) -> Picture:
    return to_pixels(resized(load(DEMO / name), (size[1], size[0])).rgb_hwc)


#: Content, style, and how much noise the start has.
PAIRS = {
    "demo": ("scene.jpg", "painting.jpg", 2.0),
    "reversed": ("painting.jpg", "scene.jpg", 2.0),
    "from noise": ("scene.jpg", "painting.jpg", 1000.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
def test_sixty_evaluations_come_as_far_as_those_of_the_reference(
    lite: tuple[Run, Run], pair: str
) -> None:
    """Rounding parts the two paths; their ends agree on average."""
    size, pairs, evaluations, starts = (48, 56), 20, 60, 5
    (evaluate, targets), (*pictures, noise) = lite, PAIRS[pair]
    content, style = (_demo(str(name), size) for name in pictures)
    feeds = _balanced(evaluate, targets, content, style)
    loss, run, ratios = Loss(evaluate, feeds), step_runner(), []
    for seed in range(starts):
        random = np.random.default_rng(seed).normal(0, float(noise), content.shape)
        start = np.clip(content + random, 0, 255).astype(np.float32)
        sums, _ = loss(start, size)
        _, losses = loss.by_graph(begun(run, start, pairs, len(sums)), evaluations)
        ratios.append(min(losses) / min(loss.by_reference(start, pairs, evaluations)))
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1, abs=0.02)


def _balanced(
    evaluate: Run, targets: Run, content: Picture, style: Picture
) -> dict[str, Any]:
    """Feeds of a loss in which content and style count alike at the start."""
    of_content, of_style = (
        targets({contract.IMAGE: each}) for each in (content, style)
    )
    feeds: dict[str, Any] = {}
    for name in of_content:
        chosen = of_content if name.startswith("content") else of_style
        feeds[name] = chosen[name]
        feeds[name.replace("_target", "_weight")] = np.array(1, np.float32)
    feeds[contract.TV_WEIGHT] = np.array(0, np.float32)
    at_content = evaluate({contract.IMAGE: content, **feeds})
    other = np.roll(content, 20, axis=3)
    at_other = evaluate({contract.IMAGE: other, **feeds})
    content_loss = at_other[contract.content_loss("conv4_2")].sum()
    style_loss = sum(at_content[contract.style_loss(n)].sum() for n in STYLE_LAYERS)
    for layer in STYLE_LAYERS:
        share = np.array(content_loss / style_loss, np.float32)
        feeds[contract.style_weight(layer)] = share
    return feeds
