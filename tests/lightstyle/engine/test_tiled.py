from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from export import build_model, winograd
from export.network import LossNetwork
from export.parts import PartGraphs
from export.write import to_proto
from lightstyle import Model, Settings, contract, stylize
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.engine.tiled import TiledModel
from lightstyle.errors import UsageError
from lightstyle.optimize.curvature import History
from tests.support.evaluators import CONTENT, STYLE, WEIGHTS, evaluator
from tests.support.networks import feeds_for, loss_for, picture, weighed
from tests.support.oracles import loss_and_gradient, relative_l2

SIZES = [(96, 64), (97, 45), (40, 131)]
PLANS = [
    Tiling({1: 16, 2: 12, 3: 16, 4: 12, 5: 12}, dict.fromkeys(range(1, 6), 20)),
    Tiling(dict.fromkeys(range(1, 6), 32), dict.fromkeys(range(1, 6), 36)),
    Tiling(*({1: 20, 2: 12, 3: 12, 4: 16, 5: 12},) * 2, keeps=True),
    Tiling(*(dict.fromkeys(range(1, 6), 4096),) * 2, keeps=True),
]
PLAN_NAMES = ["narrow", "wide", "kept", "kept whole"]


@pytest.fixture(params=[False, True], ids=["portable", "cpu"])
def cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(winograd, "THRESHOLD", 0.0)
    return bool(request.param)


@pytest.mark.parametrize("plan", PLANS, ids=PLAN_NAMES)
@pytest.mark.parametrize("pooling", contract.POOLINGS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_parts_give_the_loss_and_the_gradient_of_the_whole(
    size: tuple[int, int], pooling: str, plan: Tiling, cpu: bool
) -> None:
    image, content, style = picture(*size), picture(*size, 1), picture(50, 40, 2)
    loss = loss_for(WEIGHTS, content, style, CONTENT, STYLE, pooling, 0.01)
    terms, gradient = loss_and_gradient(image, WEIGHTS, loss, pooling)
    parts = TiledModel(evaluator(pooling, cpu=cpu), [*CONTENT], [*STYLE])
    pixels, feeds = image[None].astype(np.float64), feeds_for(loss, np.float64)
    outputs = parts.evaluate(pixels, feeds, plan)
    assert relative_l2(outputs.pop(contract.GRADIENT)[0], gradient) < 1e-12
    assert {name: value.sum() for name, value in outputs.items()} == pytest.approx(
        terms, rel=1e-12
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_targets_in_parts_are_those_of_the_whole(size: tuple[int, int]) -> None:
    image = picture(*size)
    loss = loss_for(WEIGHTS, image, image, CONTENT, STYLE, "max")
    parts = TiledModel(evaluator("max", cpu=False), [*CONTENT], [*STYLE])
    found = parts.targets(image[None].astype(np.float64), PLANS[0])
    for name, expected in feeds_for(loss, np.float64).items():
        if "target" in name:
            assert relative_l2(found.pop(name), expected) < 1e-12
    assert not found


def test_without_style_only_features_are_compared() -> None:
    graphs = PartGraphs(LossNetwork(WEIGHTS, ["conv2_2"], [], "max", np.float64))
    evaluators = {
        contract.part_role(number, sweep): to_proto(
            graphs.part(number, sweep, cpu=False)
        )
        for number in (1, 2)
        for sweep in (contract.FORWARD, contract.BACKWARD)
    }
    assert graphs.count == 2

    def run(role: str, feeds: Mapping[str, Any], *, last: bool) -> dict[str, Any]:
        proto = evaluators[role]
        needed = {i.name: feeds[i.name] for i in proto.graph.input}
        values = ReferenceEvaluator(proto).run(None, needed)
        return dict(zip([o.name for o in proto.graph.output], values, strict=True))

    image, content = picture(60, 40), picture(60, 40, 1)
    loss = loss_for(WEIGHTS, content, content, {"conv2_2": 1.0}, {}, "max")
    _, gradient = loss_and_gradient(image, WEIGHTS, loss, "max")
    parts = TiledModel(run, ["conv2_2"], [])
    pixels, feeds = image[None].astype(np.float64), feeds_for(loss, np.float64)
    found = parts.evaluate(pixels, feeds, PLANS[0])[contract.GRADIENT]
    assert relative_l2(found[0], gradient) < 1e-12


HALVES = np.where(np.arange(64) < 30, picture(96, 64, 5), 255).astype(np.float32)


@pytest.mark.parametrize(
    ("content", "style", "pooling"),
    [
        (["conv4_2", "conv5_2"], [*STYLE], "max"),
        (["conv4_2"], [*STYLE], "average"),
        (["conv5_2"], [], "max"),
        ([], ["conv1_2", "conv3_1"], "max"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "image", [picture(97, 45), picture(40, 131), HALVES], ids=["high", "wide", "flat"]
)
def test_on_onnxruntime_a_model_gives_the_same_in_parts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: list[str],
    style: list[str],
    pooling: str,
    image: np.ndarray,
) -> None:
    if image is not HALVES:  # where a few channels would not show rounding from ties
        monkeypatch.setattr(winograd, "THRESHOLD", 0.0)
    path = tmp_path / "m.onnx"
    build_model(
        WEIGHTS.halved(),
        path,
        content_layers=content,
        style_layers=style,
        pooling=pooling,
    )
    loaded = Model.load(path, "cpu")
    _, height, width = image.shape
    other = picture(height, width, 1)[None]
    targets, in_parts = loaded.targets(other), loaded.targets(other, PLANS[0])
    assert targets.keys() == in_parts.keys()
    for name, value in targets.items():
        assert relative_l2(in_parts[name], value.astype(np.float64)) < 1e-5
    feeds = weighed(targets, 3, tv_weight=0.1)
    whole = loaded.evaluate(image[None], feeds)
    parts = loaded.evaluate(image[None], feeds, PLANS[0])
    assert parts.terms == pytest.approx(whole.terms, rel=1e-5)
    assert relative_l2(parts.gradient, whole.gradient.astype(np.float64)) < 1e-5


@pytest.mark.parametrize("size", [(96, 64), (93, 61)])
def test_a_picture_is_painted_in_strips_where_memory_is_short(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    settings = Settings(size=96, iterations=4, style_weight=1e4)
    content, style = (picture(*size, seed).transpose(1, 2, 0) / 255 for seed in (1, 2))
    whole = stylize(content, style, model=tiny_model, settings=settings)
    loaded = Model.load(tiny_model, "cpu")
    narrow = ExecutionPlan(PLANS[0], History(5))
    monkeypatch.setattr(Planner, "choose", lambda *_: narrow)
    strips = stylize(content, style, model=loaded, settings=settings)
    np.testing.assert_allclose(strips.image_hwc, whole.image_hwc, atol=0.05)


def test_a_budget_that_is_too_small_is_one_line(tiny_model: Path) -> None:
    loaded = Model.load(tiny_model, "cpu", memory=10**6)
    with pytest.raises(UsageError, match="but 96x64 needs"):
        loaded.planner().choose((96, 64))
