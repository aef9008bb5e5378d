import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from export.weights import Weights, read_weights
from lightstyle.contract import LAYERS
from tests.export.weights import writers
from tests.export.weights.writers import (
    MEAN_RGB,
    TINY,
    Built,
    ByteString,
    Call,
    Global,
    Network,
)

# A network for RGB − mean; Caffe's formats want its first kernel in BGR.
NETWORK = writers.tiny_network()
BGR = NETWORK.reversed_channels()
TORCHVISION = NETWORK.like_torchvision()

CAFFE_FILES: dict[str, Callable[[Path], None]] = {
    "Keras HDF5": lambda path: writers.write_keras(path, BGR),
    "MatConvNet": lambda path: writers.write_matconvnet(path, NETWORK),
    "PyTorch (zip), Caffe names": lambda path: writers.write_torch_zip(
        path, writers.caffe_state(BGR)
    ),
    "PyTorch (legacy), Caffe names": lambda path: writers.write_torch_legacy(
        path, writers.caffe_state(BGR)
    ),
    "NumPy .npz, Keras names": lambda path: writers.write_npz(
        path, writers.keras_names("{}_W", "{}_b", BGR)
    ),
    "safetensors, Caffe names": lambda path: writers.write_safetensors(
        path, writers.caffe_state(BGR), {"preprocessing": "caffe"}
    ),
}
TORCHVISION_FILES: dict[str, Callable[[Path], None]] = {
    "PyTorch (zip), torchvision names": lambda path: writers.write_torch_zip(
        path, writers.torchvision_state(TORCHVISION)
    ),
    "PyTorch (legacy), torchvision names": lambda path: writers.write_torch_legacy(
        path, writers.torchvision_state(TORCHVISION)
    ),
    "ONNX, Gluon names": lambda path: writers.write_onnx(path, TORCHVISION),
    "NumPy .npz, Caffe names": lambda path: writers.write_npz(
        path, writers.caffe_state(TORCHVISION) | {"preprocessing": "torchvision"}
    ),
    "safetensors, torchvision names": lambda path: writers.write_safetensors(
        path, writers.torchvision_state(TORCHVISION)
    ),
}
SUFFIXES = {"Keras": ".h5", "MatCo": ".mat", "PyTor": ".pth", "NumPy": ".npz"}


def written(source: str, folder: Path) -> Path:
    path = folder / f"vgg19{SUFFIXES.get(source[:5], '.' + source[:5].strip(','))}"
    (CAFFE_FILES | TORCHVISION_FILES)[source](path)
    return path


def assert_same(weights: Weights, network: Network, tolerance: float = 0.0) -> None:
    assert tuple(weights.kernels) == tuple(weights.biases) == LAYERS
    for layer in LAYERS:
        for found, expected in (
            (weights.kernels[layer], network.kernels[layer]),
            (weights.biases[layer], network.biases[layer]),
        ):
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize("source", CAFFE_FILES)
def test_files_in_caffes_convention_give_exactly_the_same_weights(
    source: str, tmp_path: Path
) -> None:
    path = written(source, tmp_path)
    weights = read_weights(path, channels=TINY)
    assert_same(weights, NETWORK)
    assert weights.source == source
    assert weights.preprocessing == "caffe"
    np.testing.assert_array_equal(weights.mean, np.array(MEAN_RGB, np.float32))


@pytest.mark.parametrize("source", TORCHVISION_FILES)
def test_files_in_torchvisions_convention_give_the_same_weights_again(
    source: str, tmp_path: Path
) -> None:
    weights = read_weights(written(source, tmp_path), channels=TINY)
    assert_same(weights, NETWORK, 1e-6)
    assert weights.source == source
    assert weights.preprocessing == "torchvision"
    np.testing.assert_allclose(weights.mean, (123.675, 116.28, 103.53), rtol=1e-6)


@pytest.mark.parametrize("source", CAFFE_FILES | TORCHVISION_FILES)
def test_a_renamed_file_is_read_all_the_same(source: str, tmp_path: Path) -> None:
    path = written(source, tmp_path).rename(tmp_path / "vgg19.bin")
    assert read_weights(path, channels=TINY).source == source


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = written("Keras HDF5", tmp_path)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_weights(path, channels=TINY).digest == expected


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("{0}/{0}/kernel:0", "{0}/{0}/bias:0"),
        ("vgg19/{0}/kernel:0", "vgg19/{0}/bias:0"),
        ("model_weights/{0}/{0}/kernel:0", "model_weights/{0}/{0}/bias:0"),
        ("layers/{0}/vars/0", "layers/{0}/vars/1"),
    ],
)
def test_every_naming_of_keras_is_understood(
    kernel: str, bias: str, tmp_path: Path
) -> None:
    path = tmp_path / "vgg19.weights.h5"
    datasets = writers.keras_names(kernel, bias, BGR)
    datasets["fc1/fc1/kernel:0"] = np.zeros((5, 5), np.float32)
    datasets["optimizer/block1_conv1/kernel"] = np.zeros(3, np.float32)
    writers.write_hdf5(path, datasets)
    assert_same(read_weights(path, channels=TINY), NETWORK)


def test_keras_3_numbers_its_layers_through(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.weights.h5"
    places = {k: f"_{i}" if i else "" for i, k in enumerate(BGR.kernels)}
    hwio = {k: v.transpose(2, 3, 1, 0) for k, v in BGR.kernels.items()}
    names = ("layers/conv2d{}/vars/0", "layers/conv2d{}/vars/1")
    writers.write_hdf5(path, Network(hwio, BGR.biases).named(*names, places))
    assert_same(read_weights(path, channels=TINY), NETWORK)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("older", [False, True])
def test_old_and_packed_files_of_matconvnet(
    older: bool, compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "vgg19.mat"
    image = np.tile(np.array([[[120.0, 110.0, 100.0]]]), (6, 5, 1))
    image[::2] += 1
    image[1::2] -= 1
    net = {
        "layers": writers.matconvnet_layers(NETWORK, older),
        "normalization": {"averageImage": image},
    }
    scipy.io.savemat(path, net, do_compression=compressed)
    weights = read_weights(path, channels=TINY)
    assert_same(weights, NETWORK)
    np.testing.assert_array_equal(weights.mean, (120, 110, 100))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("suffix", ["pth", "old.pth", "npz", "safetensors"])
def test_other_precisions_are_converted(
    suffix: str, dtype: str, tmp_path: Path
) -> None:
    write = {
        "pth": writers.write_torch_zip,
        "old.pth": writers.write_torch_legacy,
        "npz": writers.write_npz,
        "safetensors": writers.write_safetensors,
    }[suffix]
    state = {k: v.astype(dtype) for k, v in writers.caffe_state(BGR).items()}
    write(tmp_path / "vgg19", state)
    path = tmp_path / ("vgg19.npz" if suffix == "npz" else "vgg19")
    assert_same(read_weights(path, "caffe", TINY), NETWORK, 1e-2)


@pytest.mark.parametrize(
    "write",
    [
        writers.write_torch_zip,
        writers.write_torch_legacy,
        writers.write_bfloat16_safetensors,
    ],
)
def test_bfloat16_is_converted(write: Callable[..., None], tmp_path: Path) -> None:
    state = writers.caffe_state(BGR)
    write(
        tmp_path / "v",
        {k: (v.view("<u4") >> 16).astype("<u2") for k, v in state.items()},
    )
    assert_same(read_weights(tmp_path / "v", "caffe", TINY), NETWORK, 1e-2)


def test_parameters_pickled_by_python_2(tmp_path: Path) -> None:
    state = writers.caffe_state(BGR)
    kind = Global("torch.nn.parameter", "Parameter")
    pairs = []
    for index, (name, array) in enumerate(state.items()):
        parameter = Call(kind, (writers.tensor(array, f"94{index}", True),), b"\x81")
        built = Built(parameter, (True, False, Call(writers.ORDERED_DICT, ())))
        pairs.append([ByteString(name), built])
    program = writers.pickled(Call(writers.ORDERED_DICT, (pairs,)))
    writers.write_torch_legacy(tmp_path / "vgg_conv.pth", state, program)
    assert_same(read_weights(tmp_path / "vgg_conv.pth", channels=TINY), NETWORK)


def test_the_real_weights() -> None:
    name = "LIGHTSTYLE_TEST_WEIGHTS"
    if not (path := os.environ.get(name)):
        pytest.skip(f"set {name} to a Keras .h5 of VGG19 to read it here")
    weights = read_weights(Path(path))
    assert weights.source == "Keras HDF5"
    assert tuple(weights.kernels) == LAYERS
    # Oxford's first kernel, upper left corner, in RGB.
    np.testing.assert_allclose(
        weights.kernels["conv1_1"][0, :, 0, 0], (0.39417, 0.46418, 0.34120), atol=1e-5
    )
    assert weights.biases["conv1_1"][0] == pytest.approx(0.73018, abs=1e-5)
