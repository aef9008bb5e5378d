"""The real VGG19 in parts against the whole picture, at sizes of pictures.

Some of all combinations; the others take minutes:
`python -m pytest -m slow tests/export/test_vgg19_parts.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export import STYLE_LAYERS, build_model
from export import model as whole
from export.graph import Graph
from export.network import LossNetwork
from export.parts import PartGraphs
from export.weights import Weights, read_weights
from lightstyle import Model, contract
from lightstyle.engine.strips import REACH, Tiling, cut, tiled_height
from lightstyle.engine.tiled import TiledModel
from tests.support import masks
from tests.support.networks import needs_vgg19, picture, vgg19_path, weighed
from tests.support.oracles import relative_l2, terms_in
from tests.support.runners import Run, runner

pytestmark = needs_vgg19

LAYERS = (["conv4_2", "conv5_2"], [*STYLE_LAYERS])
SIZES = {"640x480": (480, 640), "511x513": (513, 511), "96x2000": (2000, 96)}
NARROW = Tiling(
    {1: 20, 2: 20, 3: 24, 4: 24, 5: 12}, {1: 24, 2: 24, 3: 32, 4: 32, 5: 20}
)
PLANS = ("narrow", "wide", "kept")


def _grid(*quick: tuple[str, str, str]) -> list[Any]:
    """Every size, pooling and plan; those that are not `quick` are slow."""
    return [
        pytest.param(*case, marks=() if case in quick else (pytest.mark.slow,))
        for case in product(SIZES, contract.POOLINGS, PLANS)
    ]


def _plan(size: str, name: str) -> Tiling:
    """Every block in many strips, or in two, with activations that are kept or not."""
    keeps = name == "kept"
    twice = Tiling({}, {}, keeps=keeps).sides
    lines = {number: max(SIZES[size]) >> (number - 1) for number in REACH}
    halves = (
        {n: tiled_height(lines[n], lines[n] - 2, times * REACH[n]) for n in REACH}
        for times in (1, twice)
    )
    plan = NARROW if name == "narrow" else Tiling(*halves, keeps=keeps)
    for times, heights in ((1, plan.forward), (twice, plan.backward)):
        for n in REACH:
            count = len([*cut(lines[n], heights[n], times * REACH[n])])
            assert count > 2 if name == "narrow" else count == 2
    return plan


@cache
def _network() -> Weights:
    return read_weights(vgg19_path())


def _graphs(pooling: str, *, cpu: bool) -> dict[str, Graph]:
    """The graphs of all parts, by role."""
    graphs = PartGraphs(LossNetwork(_network(), *LAYERS, pooling))
    made = {contract.HEADS: graphs.heads()}
    for number in range(1, graphs.count + 1):
        for sweep in contract.SWEEPS:
            role = contract.part_role(number, sweep)
            made[role] = graphs.part(number, sweep, cpu=cpu)
    return made


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture, feeds, and what the portable graph of the whole makes of them."""

    image: NDArray[np.float32]
    feeds: dict[str, NDArray[np.float32]]
    terms: dict[str, float]
    gradient: NDArray[np.float64]


@cache
def _scene(size: str, pooling: str) -> _Scene:
    image, other = (picture(*SIZES[size], seed)[None] for seed in (0, 1))
    targets = runner(whole.targets(LossNetwork(_network(), *LAYERS, pooling)))
    feeds = _weighed(targets({contract.IMAGE: other}))
    evaluation = runner(whole.evaluation(LossNetwork(_network(), *LAYERS, pooling)))
    outputs = evaluation({**feeds, contract.IMAGE: image})
    gradient = outputs.pop(contract.GRADIENT).astype(np.float64)
    return _Scene(image, feeds, terms_in(outputs), gradient)


def _weighed(targets: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Feeds in which neither content nor style drowns the other."""
    feeds = weighed(targets, 1, tv_weight=0.1)
    for layer in STYLE_LAYERS:
        feeds[contract.style_weight(layer)] = np.array(20, np.float32)
    return feeds


def _portable(pooling: str) -> TiledModel:
    graphs = _graphs(pooling, cpu=False)
    runs = {role: runner(graph) for role, graph in graphs.items()}

    def run(role: str, feeds: Mapping[str, Any], /, *, last: bool) -> dict[str, Any]:
        return runs[role](feeds)

    return TiledModel(run, *LAYERS)


@pytest.mark.parametrize(("size", "pooling", "plan"), _grid(("96x2000", "max", "wide")))
def test_the_portable_graphs_give_the_loss_and_gradient_of_the_whole(
    size: str, pooling: str, plan: str
) -> None:
    scene = _scene(size, pooling)
    parts = _portable(pooling)
    outputs = parts.evaluate(scene.image, scene.feeds, _plan(size, plan))
    gradient = outputs.pop(contract.GRADIENT)
    assert terms_in(outputs) == pytest.approx(scene.terms, rel=1e-6)
    assert relative_l2(gradient, scene.gradient) < 1e-5


@pytest.mark.parametrize(
    ("size", "pooling", "plan"), _grid(("511x513", "average", "narrow"))
)
def test_the_graphs_for_cpus_are_as_close_as_their_rounding_lets_them(
    size: str, pooling: str, plan: str, tmp_path: Path
) -> None:
    content, style = LAYERS
    layers: dict[str, Any] = {"content_layers": content, "style_layers": style}
    build_model(_network(), tmp_path / "vgg19.onnx", pooling=pooling, **layers)
    model = Model.load(tmp_path / "vgg19.onnx", "cpu")
    image, other = (picture(*SIZES[size], seed)[None] for seed in (0, 1))
    feeds = _weighed(model.targets(other))
    found = model.evaluate(image, feeds)
    parts = model.evaluate(image, feeds, _plan(size, plan))
    assert parts.terms == pytest.approx(found.terms, rel=1e-6)
    # Where tiles lie decides how they round, and so, for activations within rounding
    # of 0 or of each other, which of them get a gradient.
    assert relative_l2(parts.gradient, found.gradient.astype(np.float64)) < 2e-3


def _masked(pooling: str) -> tuple[dict[str, Graph], dict[str, Run], dict[str, Any]]:
    """Graphs for CPUs that are fed masks, runners of them, and mapped kernels."""
    with masks.imposed():
        graphs = _graphs(pooling, cpu=True)
    fast = whole.evaluation(LossNetwork(_network(), *LAYERS, pooling), cpu=True)
    kernels = runner(whole.kernels(_network(), fast))({})
    return graphs, {role: runner(graph) for role, graph in graphs.items()}, kernels


def _with_masks_of_the_whole(size: str, pooling: str, plan: Tiling) -> TiledModel:
    """Parts for CPUs, whose masks are lines of those of the whole, portable picture."""
    graphs, runs, kernels = _masked(pooling)
    layers = contract.LAYERS[: contract.LAYERS.index("conv5_2") + 1]
    features = runner(whole.targets(LossNetwork(_network(), layers, [], pooling)))
    found = features({contract.IMAGE: _scene(size, pooling).image})
    activations = {layer: found[contract.content_target(layer)][0] for layer in layers}
    height, width = SIZES[size]
    axis = 2 if height > width else 3
    given, strips = {}, {}
    for number, lines in plan.backward.items():
        role = contract.part_role(number, plan.way_back)
        given[role] = masks.of_activations(graphs[role], activations)
        halo = plan.sides * REACH[number]
        strips[role] = cut(max(SIZES[size]) >> number - 1, lines, halo)

    def run(role: str, feeds: Mapping[str, Any], /, *, last: bool) -> dict[str, Any]:
        imposed = {}
        if role in strips:
            strip = next(strips[role])
            for name, mask in given[role].items():
                scale = 2 if "Pool" in name else 1
                lines = range(strip.start // scale, strip.stop // scale)
                imposed[name] = mask.take(lines, axis)
        return runs[role]({**feeds, **kernels, **imposed})

    return TiledModel(run, *LAYERS)


@pytest.mark.parametrize(
    ("size", "pooling", "plan"),
    _grid(("96x2000", "max", "narrow"), ("96x2000", "max", "kept")),
)
def test_with_masks_of_the_whole_the_graphs_for_cpus_are_close_to_the_portable(
    size: str, pooling: str, plan: str
) -> None:
    scene, heights = _scene(size, pooling), _plan(size, plan)
    parts = _with_masks_of_the_whole(size, pooling, heights)
    outputs = parts.evaluate(scene.image, scene.feeds, heights)
    gradient = outputs.pop(contract.GRADIENT)
    assert terms_in(outputs) == pytest.approx(scene.terms, rel=1e-6)
    assert relative_l2(gradient, scene.gradient) < 1e-4
