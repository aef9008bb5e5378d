"""Guided Gram matrices: style losses of regions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from export import model, winograd
from export.network import LossNetwork
from export.parts import PartGraphs
from export.weights import Embedding, Weights
from export.write import to_proto
from lightstyle import contract
from lightstyle.engine.guides import guides
from lightstyle.engine.strips import Tiling
from lightstyle.engine.tiled import TiledModel
from lightstyle.losses.gaussian import metric
from lightstyle.losses.metrics import identity
from tests.support.networks import picture, tiny_weights
from tests.support.oracles import (
    directional_error,
    forward,
    relative_l2,
    run_reference,
    weighted_sum,
)

CONTENT, STYLE = ["conv3_1", "conv4_2"], ["conv1_1", "conv3_1", "conv4_2"]
SIZE = (72, 41)
LINES = dict.fromkeys(range(1, 6), 32), dict.fromkeys(range(1, 6), 36)
PLANS = Tiling(*LINES), Tiling(*LINES, keeps=True)


def _narrowed() -> Weights:
    """A network that estimates wider features at its loss layers."""
    random, network = np.random.default_rng(0), tiny_weights()
    embeddings = {}
    for layer in STYLE:
        shape = contract.CHANNELS[layer], len(network.biases[layer])
        matrix = random.normal(size=shape).astype(np.float32)
        offset = random.normal(size=shape[0]).astype(np.float32)
        embeddings[layer] = Embedding(matrix, offset)
    return replace(network, embeddings=embeddings)


NETWORKS = {"whole": tiny_weights(), "narrowed": _narrowed()}


@pytest.fixture(params=[False, True], ids=["portable", "cpu"])
def cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(winograd, "THRESHOLD", 0.0)
    return bool(request.param)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Weights:
    return NETWORKS[request.param]


def _masks(count: int) -> Any:
    """Soft and hard edges, and some ground in none of them."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    masks = [np.clip((y - 20) / 30, 0, 1), (x < 20) * 1.0, (x + y > 60) * (y < 50)]
    return np.array(masks[:count], np.float64)


def _run(graph: Any, network: Weights, feeds: dict[str, Any]) -> dict[str, Any]:
    kernels = run_reference(model.kernels(network, graph), {})
    given = {name: value for name, value in kernels.items() if name in graph.inputs}
    return run_reference(graph, {**given, **feeds})


def _feeds(network: Weights, masks: Any) -> dict[str, Any]:
    """Of a content and a style target for each region."""
    graph = model.targets(LossNetwork(network, CONTENT, STYLE, dtype=np.float64))
    pictures = [picture(*SIZE, seed)[None] for seed in range(1, 2 + len(masks))]
    subject, *painted = (
        run_reference(graph, {"image": each.astype(np.float64)}) for each in pictures
    )
    feeds: dict[str, Any] = {contract.TV_WEIGHT: np.array(0.1)}
    for layer in CONTENT:
        name = contract.content_target(layer)
        feeds |= {name: subject[name], contract.content_weight(layer): np.array(2.0)}
    for layer in STYLE:
        name = contract.style_target(layer)
        feeds[name] = np.stack([each[name] for each in painted])
        feeds[contract.style_weight(layer)] = np.array(3e3)
        feeds[contract.style_metric(layer)] = _metrics(feeds[name])
    feeds |= {name: g.astype(np.float64) for name, g in guides(masks).items()}
    strengths = np.arange(1.0, 1 + len(masks))[:, None]
    return feeds | {contract.REGION_WEIGHT: strengths}


def _metrics(targets: Any) -> Any:
    """Those of ``--style-loss gaussian``, but for the last region, which has Gram's."""
    own, last = targets[:-1], targets[-1]
    last_metric = identity if len(own) else metric
    made = [*map(metric, own), last_metric(last)]
    return np.stack(made).astype(np.float64)


def _evaluation(network: Weights, feeds: dict[str, Any], *, cpu: bool) -> Any:
    graph = model.evaluation(
        LossNetwork(network, CONTENT, STYLE, dtype=np.float64), cpu=cpu, guided=True
    )
    return graph, {name: feeds[name] for name in feeds if name in graph.inputs}


@pytest.mark.parametrize("count", [1, 3])
def test_the_gradient_agrees_with_central_differences(
    network: Weights, count: int, cpu: bool
) -> None:
    graph, feeds = _evaluation(network, _feeds(network, _masks(count)), cpu=cpu)

    def objective(pixels: Any) -> float:
        return weighted_sum(_run(graph, network, {"image": pixels, **feeds}), feeds)

    at = picture(*SIZE)[None].astype(np.float64)
    gradient = _run(graph, network, {"image": at, **feeds})[contract.GRADIENT]
    assert directional_error(objective, gradient, at, step=1e-5) < 1e-6


def test_terms_are_those_of_each_region_by_their_definition() -> None:
    network, masks = NETWORKS["whole"], _masks(3)
    feeds = _feeds(network, masks)
    graph, given = _evaluation(network, feeds, cpu=False)
    image = picture(*SIZE).astype(np.float64)
    found = _run(graph, network, {"image": image[None], **given})
    features = forward(image, network, STYLE, "max")
    for layer in STYLE:
        total = 0.0
        for region, strength in enumerate(feeds[contract.REGION_WEIGHT][:, 0]):
            shares = feeds[contract.guide(contract.block(layer))][region, 0]
            x = features[layer]
            gram = np.einsum("ihw,jhw,hw->ij", x, x, shares)
            target = feeds[contract.style_target(layer)][region]
            p = feeds[contract.style_metric(layer)][region]
            total += strength * np.sum((p @ (gram - target) @ p) ** 2)
        expected = total / (4 * contract.CHANNELS[layer] ** 2)
        sums = found[contract.style_loss(layer)]
        assert sums.sum() == pytest.approx(expected, rel=1e-10)


def test_a_mask_of_ones_is_no_mask(network: Weights, cpu: bool) -> None:
    feeds = _feeds(network, np.ones((1, *SIZE)))
    for name in feeds:
        if "style_metric" in name:
            feeds[name] = np.eye(feeds[name].shape[-1])[None]
    graph, given = _evaluation(network, feeds, cpu=cpu)
    at = picture(*SIZE)[None].astype(np.float64)
    guided = _run(graph, network, {"image": at, **given})
    plain_graph = model.evaluation(
        LossNetwork(network, CONTENT, STYLE, dtype=np.float64), cpu=cpu
    )
    plain = {name: feeds[name] for name in feeds if name in plain_graph.inputs}
    plain |= {name: plain[name][0] for name in plain if "style_target" in name}
    expected = _run(plain_graph, network, {"image": at, **plain})
    assert relative_l2(guided[contract.GRADIENT], expected[contract.GRADIENT]) < 1e-6
    assert weighted_sum(guided, feeds) == pytest.approx(
        weighted_sum(expected, feeds), rel=1e-6
    )


@pytest.mark.parametrize("count", [1, 3])
def test_parts_give_the_loss_and_the_gradient_of_the_whole(
    network: Weights, count: int, cpu: bool
) -> None:
    feeds = _feeds(network, _masks(count))
    graph, given = _evaluation(network, feeds, cpu=cpu)
    at = picture(*SIZE)[None].astype(np.float64)
    expected = _run(graph, network, {"image": at, **given})
    graphs = PartGraphs(LossNetwork(network, CONTENT, STYLE, "max", np.float64))
    made: dict[str, Any] = {contract.HEADS: graphs.heads()}
    for number in range(1, graphs.count + 1):
        for sweep in contract.SWEEPS:
            role = contract.part_role(number, sweep)
            made[role] = graphs.part(number, sweep, cpu=cpu)
    protos = {role: ReferenceEvaluator(to_proto(graph)) for role, graph in made.items()}
    kernels: dict[str, Any] = {}
    for graph in made.values():
        kernels |= run_reference(model.kernels(network, graph), {})

    def run(role: str, given: Any, *, last: bool) -> dict[str, Any]:
        needed = {name: {**kernels, **given}[name] for name in made[role].inputs}
        outputs = protos[role].run(None, needed)
        return dict(zip(made[role].outputs, outputs, strict=True))

    parts = TiledModel(run, CONTENT, STYLE)
    for plan in PLANS:
        found = parts.evaluate(at, feeds, plan)
        gradient = found[contract.GRADIENT]
        assert relative_l2(gradient, expected[contract.GRADIENT]) < 1e-12
        assert weighted_sum(found, feeds) == pytest.approx(
            weighted_sum(expected, feeds), rel=1e-12
        )
    guiding = {n: v for n, v in feeds.items() if n.startswith("guide/")}
    losses = LossNetwork(network, CONTENT, STYLE, dtype=np.float64)
    targets = model.targets(losses, guided=True)
    whole = run_reference(targets, {"image": at, **_among(targets, guiding)})
    in_parts = parts.targets(at, PLANS[0], guiding)
    assert whole.keys() == in_parts.keys()
    for name, value in whole.items():
        assert relative_l2(in_parts[name], value) < 1e-12


def _among(graph: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in feeds.items() if name in graph.inputs}
