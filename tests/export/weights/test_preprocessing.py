from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.errors import WeightsError
from export.weights import Weights, read_weights
from tests.export.weights import writers
from tests.export.weights.writers import ENLARGEMENT, STD, TINY

Array = NDArray[Any]

NETWORK = writers.tiny_network(3)
OXFORD_BIASES = (0.73018, 0.06494, 0.03429, 0.82604)
OXFORD_CORNER_BGR = (0.34120, 0.46418, 0.39417)


def oxford(order: str) -> writers.Network:
    first, biases = NETWORK.kernels["conv1_1"].copy(), NETWORK.biases["conv1_1"].copy()
    first[0, :, 0, 0] = OXFORD_CORNER_BGR[:: 1 if order == "BGR" else -1]
    biases[:4] = OXFORD_BIASES
    return writers.Network(
        NETWORK.kernels | {"conv1_1": first}, NETWORK.biases | {"conv1_1": biases}
    )


def read_npz(folder: Path, state: Mapping[str, Any], preprocessing: str) -> Weights:
    writers.write_npz(folder / "vgg19.npz", state)
    return read_weights(folder / "vgg19.npz", preprocessing, TINY)


def features(pixels: Array, kernels: Any, biases: Any) -> list[Array]:
    """ReLU outputs of all layers, with a maximum over 2 × 2 between the blocks."""
    outputs, value, block = [], pixels.astype(np.float64), "1"
    for layer in TINY:
        if layer[4] != block and min(value.shape[1:]) > 1:
            channels, height, width = value.shape
            split = value.reshape(channels, height // 2, 2, width // 2, 2)
            value, block = split.max(axis=(2, 4)), layer[4]
        padded = np.pad(value, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        summed = np.einsum("chwyx,ocyx->ohw", windows, kernels[layer].astype(float))
        value = np.maximum(summed + biases[layer][:, np.newaxis, np.newaxis], 0)
        outputs.append(value)
    return outputs


def test_torchvisions_features_are_enlarged_to_the_scale_of_the_picture(
    tmp_path: Path,
) -> None:
    image = np.random.default_rng(5).uniform(0, 255, (3, 16, 16))
    weights = read_npz(tmp_path, writers.torchvision_state(NETWORK), "auto")
    ours = features(
        image - weights.mean.reshape(3, 1, 1), weights.kernels, weights.biases
    )
    mean = np.array((0.485, 0.456, 0.406)).reshape(3, 1, 1)
    prepared = (image / 255 - mean) / STD.reshape(3, 1, 1)
    theirs = features(prepared, NETWORK.kernels, NETWORK.biases)
    assert weights.preprocessing == "torchvision"
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, ENLARGEMENT * other, rtol=1e-4, atol=1e-3)


def test_caffes_features_are_those_of_the_picture_in_bgr(tmp_path: Path) -> None:
    image = np.random.default_rng(5).uniform(0, 255, (3, 16, 16))
    weights = read_npz(tmp_path, writers.caffe_state(NETWORK), "caffe")
    centred = image - weights.mean.reshape(3, 1, 1)
    ours = features(centred, weights.kernels, weights.biases)
    theirs = features(centred[::-1], NETWORK.kernels, NETWORK.biases)
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-12)


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "onnx"])
def test_files_without_a_convention_need_to_be_told(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"vgg19.{suffix}"
    if suffix == "onnx":
        model = writers.onnx_model(NETWORK, "conv{}")
        path.write_bytes(model.SerializeToString())
    elif suffix == "npz":
        writers.write_npz(path, writers.caffe_state(NETWORK))
    else:
        writers.write_safetensors(path, writers.caffe_state(NETWORK))
    with pytest.raises(WeightsError, match=r"--preprocessing caffe .* torchvision"):
        read_weights(path, channels=TINY)
    for answer in ("caffe", "torchvision"):
        assert read_weights(path, answer, TINY).preprocessing == answer


@pytest.mark.parametrize("answer", ["caffe", "torchvision"])
def test_an_explicit_preprocessing_wins(answer: str, tmp_path: Path) -> None:
    states: tuple[dict[str, Any], ...] = (
        writers.torchvision_state(NETWORK),
        writers.keras_names("{}_W", "{}_b", NETWORK),
        writers.caffe_state(NETWORK) | {"preprocessing": "torchvision"},
        writers.caffe_state(oxford("BGR")),
    )
    for state in states:
        assert read_npz(tmp_path, state, answer).preprocessing == answer


def test_an_unknown_preprocessing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match="'inception' is unknown; expected one of auto, caffe"
    ):
        read_weights(tmp_path, "inception")


def test_an_unknown_entry_is_refused(tmp_path: Path) -> None:
    state = writers.caffe_state(NETWORK) | {"preprocessing": "inception"}
    with pytest.raises(WeightsError, match="'inception', expected 'caffe'"):
        read_npz(tmp_path, state, "auto")


@pytest.mark.parametrize("order", ["BGR", "RGB"])
@pytest.mark.parametrize("names", ["torchvision", "caffe"])
def test_oxfords_weights_are_recognised_under_any_name_and_in_either_order(
    names: str, order: str, tmp_path: Path
) -> None:
    write = {
        "torchvision": writers.torchvision_state,
        "caffe": writers.caffe_state,
    }[names]
    weights = read_npz(tmp_path, write(oxford(order)), "auto")
    assert weights.preprocessing == "caffe"
    np.testing.assert_allclose(
        weights.kernels["conv1_1"][0, :, 0, 0], OXFORD_CORNER_BGR[::-1], rtol=1e-6
    )
