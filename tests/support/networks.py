"""Small networks of VGG19's depth, pictures, and feeds for them."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from export.weights import Weights
from lightstyle import Model, contract
from lightstyle.engine.model import Evaluation
from tests.support import oracles

#: Where the real VGG19 lies, if anywhere.
WEIGHTS_VARIABLE = "LIGHTSTYLE_TEST_WEIGHTS"

needs_vgg19 = pytest.mark.skipif(
    not os.environ.get(WEIGHTS_VARIABLE),
    reason=f"{WEIGHTS_VARIABLE} names no file of VGG19 weights",
)


def vgg19_path() -> Path:
    return Path(os.environ[WEIGHTS_VARIABLE])


def tiny_weights(seed: int = 0, width: int = 4) -> Weights:
    """All 15 convolutions, `width` channels and a few more from block to block."""
    random = np.random.default_rng(seed)
    kernels, biases, inputs = {}, {}, 3
    for layer in contract.LAYERS:
        outputs = width + contract.block(layer)
        scale = np.sqrt(2 / (9 * inputs))
        kernel = random.normal(0, scale, (outputs, inputs, 3, 3))
        kernels[layer] = kernel.astype(np.float32)
        biases[layer] = random.normal(0, 0.1, outputs).astype(np.float32)
        inputs = outputs
    digest = hashlib.sha256(kernels["conv1_1"].tobytes()).hexdigest()
    mean = np.array([123.68, 116.779, 103.939], np.float32)
    return Weights(kernels, biases, mean, "caffe", "tiny", digest)


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """(3, H, W), 0…255, smooth and noisy at once: no two values of it are equal."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    phases = random.uniform(0, 6, (3, 2, 1, 1))
    waves = np.sin(y / 5 + phases[:, 0]) + np.cos(x / 7 + phases[:, 1])
    noise = random.normal(0, 12, (3, height, width))
    levels: NDArray[np.float64] = np.clip(127 + 50 * waves + noise, 0, 255)
    return levels.astype(np.float32)


def image(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A `picture` as files have it: (H, W, 3), in whole levels."""
    levels = picture(height, width, seed).transpose(1, 2, 0)
    return np.rint(levels).astype(np.uint8)


def loss_for(
    weights: Weights,
    content: NDArray[np.float32],
    style: NDArray[np.float32],
    content_weights: Mapping[str, float],
    style_weights: Mapping[str, float],
    pooling: str,
    tv_weight: float = 0.0,
) -> oracles.Loss:
    """The loss between two pictures, targets by the oracle."""
    layers = [*content_weights, *style_weights]
    features = oracles.forward(content.astype(np.float64), weights, layers, pooling)
    painted = oracles.forward(style.astype(np.float64), weights, layers, pooling)
    return oracles.Loss(
        {k: (w, features[k]) for k, w in content_weights.items()},
        {k: (w, oracles.gram(painted[k])) for k, w in style_weights.items()},
        tv_weight,
    )


def feeds_for(loss: oracles.Loss, dtype: Any) -> dict[str, NDArray[Any]]:
    """The evaluation graph's feeds for `loss`, but for the picture."""
    feeds: dict[str, Any] = {contract.TV_WEIGHT: np.array(loss.tv_weight, dtype)}
    for layer, (weight, target) in loss.content.items():
        feeds[contract.content_target(layer)] = target[None].astype(dtype)
        feeds[contract.content_weight(layer)] = np.array(weight, dtype)
    for layer, (weight, target) in loss.style.items():
        feeds[contract.style_target(layer)] = target.astype(dtype)
        feeds[contract.style_weight(layer)] = np.array(weight, dtype)
    return feeds


def weighed(
    targets: Mapping[str, NDArray[np.float32]], weight: float, *, tv_weight: float
) -> dict[str, NDArray[np.float32]]:
    """Feeds in which every one of `targets` has the same `weight`."""
    feeds = {**targets, contract.TV_WEIGHT: np.array(tv_weight, np.float32)}
    for name in targets:
        feeds[name.replace("_target", "_weight")] = np.array(weight, np.float32)
    return feeds


def break_evaluation(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make the gradient of the evaluation `number`, counted from 1, not a number."""
    evaluate, calls = Model.evaluate, []

    def breaks(self: Model, pixels: NDArray[np.float32], *others: Any) -> Evaluation:
        calls.append(1)
        evaluation = evaluate(self, pixels, *others)
        if len(calls) == number:
            evaluation.gradient[:] = np.nan
        return evaluation

    monkeypatch.setattr(Model, "evaluate", breaks)


def save_foreign(path: Path) -> None:
    """Save a good ONNX file that has nothing to do with us."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
