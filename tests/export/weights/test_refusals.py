import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from export.errors import WeightsError
from export.weights import read_weights
from tests.export.weights import writers
from tests.export.weights.refusals import refusal
from tests.export.weights.writers import TINY, Network

NETWORK = writers.tiny_network(5)

WRITERS: dict[str, Callable[[Path, Network], None]] = {
    "h5": writers.write_keras,
    "mat": writers.write_matconvnet,
    "packed.mat": lambda path, network: writers.write_matconvnet(
        path, network, do_compression=True
    ),
    "onnx": writers.write_onnx,
    "pth": lambda path, network: writers.write_torch_zip(
        path, writers.torchvision_state(network)
    ),
    "old.pth": lambda path, network: writers.write_torch_legacy(
        path, writers.torchvision_state(network)
    ),
    "npz": lambda path, network: writers.write_npz(
        path, writers.torchvision_state(network)
    ),
    "safetensors": lambda path, network: writers.write_safetensors(
        path, writers.torchvision_state(network)
    ),
}
every_format = pytest.mark.parametrize("suffix", WRITERS)


def written(suffix: str, folder: Path, network: Network = NETWORK) -> Path:
    path = folder / f"vgg19.{suffix}"
    WRITERS[suffix](path, network)
    return path


def changed(kernels: dict[str, Any] | None = None, **biases: Any) -> Network:
    return Network(NETWORK.kernels | (kernels or {}), NETWORK.biases | biases)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "vgg19.h5")


def test_a_folder(tmp_path: Path) -> None:
    assert "a folder" in refusal(tmp_path)


def test_a_device() -> None:
    assert "not a regular file" in refusal(Path("/dev/zero"))


@pytest.mark.parametrize("suffix", ["h5", "pth", "mat", "onnx", "npz", "safetensors"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"P", ""),
        (b"These are not the weights you are looking for.\n" * 20, ""),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "download it again"),
        (b"MATLAB 7.3 MAT-file", "save it again with -v7"),
        (b"\x80\x04\x95\x0b\x00", "is not executed"),
        (b"PK\x03\x04" + bytes(100), ""),
        (b"sys_info".ljust(257, b"\0") + b"ustar", "load and save it again"),
        (bytes(3000), ""),
    ],
)
def test_other_content_under_the_names_of_weights(
    suffix: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / f"vgg19.{suffix}"
    path.write_bytes(content)
    assert problem in refusal(path)


@every_format
def test_truncated_files(suffix: str, tmp_path: Path) -> None:
    path = written(suffix, tmp_path)
    content = path.read_bytes()
    needed = content.rfind(NETWORK.kernels["conv5_3"].tobytes()[-64:])
    cuts = {1, 8, 100, 600, *np.linspace(9, max(needed, 2000), 9, dtype=int).tolist()}
    for cut in cuts:
        path.write_bytes(content[:cut])
        refusal(path)


# Not HDF5: its library promises nothing about damaged files, not even an end.
@pytest.mark.parametrize("suffix", [s for s in WRITERS if s != "h5"])
def test_damaged_files_are_read_or_refused_and_nothing_else(
    suffix: str, tmp_path: Path
) -> None:
    path = written(suffix, tmp_path)
    content = path.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(20):
        damaged = bytearray(content)
        ends = rng.choice([300, 3000, len(content)])
        for position in rng.integers(0, min(ends, len(content)), 3):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(WeightsError):
            read_weights(path, channels=TINY)


@every_format
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(suffix: str, value: float, tmp_path: Path) -> None:
    kernel = NETWORK.kernels["conv3_2"].copy()
    kernel[1, 2, 0, 1] = value
    line = refusal(written(suffix, tmp_path, changed({"conv3_2": kernel})))
    assert "conv3_2's kernel holds NaN or infinite" in line


def test_weights_beyond_single_precision(tmp_path: Path) -> None:
    bias = np.full(TINY["conv2_2"], 1e300)
    line = refusal(written("npz", tmp_path, changed(conv2_2=bias)))
    assert "conv2_2's bias holds NaN or infinite" in line


@every_format
def test_a_kernel_of_another_shape(suffix: str, tmp_path: Path) -> None:
    kernel = np.zeros((9, TINY["conv4_1"], 3, 3), np.float32)
    line = refusal(written(suffix, tmp_path, changed({"conv4_2": kernel})))
    found = {"h5": "(3, 3, 6, 9)", "mat": "(3, 3, 6, 9)"}
    assert found.get(suffix.rpartition(".")[2], "(9, 6, 3, 3)") in line
    assert "conv4_2's kernel has shape" in line
    assert "VGG19's has" in line


@every_format
def test_a_bias_of_another_shape(suffix: str, tmp_path: Path) -> None:
    bias = np.zeros(9, np.float32)
    line = refusal(written(suffix, tmp_path, changed(conv4_2=bias)))
    assert "conv4_2's bias has shape (9,), VGG19's has (6,)" in line


@pytest.mark.parametrize("suffix", ["h5", "mat", "pth", "old.pth", "npz"])
def test_a_missing_layer(suffix: str, tmp_path: Path) -> None:
    kernels = {k: v for k, v in NETWORK.kernels.items() if k != "conv3_4"}
    biases = {k: v for k, v in NETWORK.biases.items() if k != "conv3_4"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writers, "_LAYERS", tuple(kernels))
        patch.setattr(
            writers,
            "MODULES",
            tuple(m for m in writers.MODULES if m != 16),
        )
        path = written(suffix, tmp_path, Network(kernels, biases))
    assert "conv3_4's kernel is missing; found 15" in refusal(path)


@pytest.mark.parametrize("suffix", ["h5", "pth", "old.pth", "npz", "safetensors"])
def test_tensors_of_another_network(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"resnet.{suffix}"
    state = {"layer1.0.conv1.weight": np.zeros((4, 4, 3, 3), np.float32)}
    write: dict[str, Callable[[Path, Any], None]] = {
        "h5": writers.write_hdf5,
        "pth": writers.write_torch_zip,
        "old.pth": writers.write_torch_legacy,
        "npz": writers.write_npz,
        "safetensors": writers.write_safetensors,
    }
    write[suffix](path, state)
    line = refusal(path)
    assert "no convolution of VGG19 among its 1 tensors" in line
    assert "layer1.0.conv1.weight" in line


@pytest.mark.parametrize("suffix", ["pth", "old.pth", "npz", "safetensors"])
def test_vgg19_with_batch_normalisation(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"vgg19_bn.{suffix}"
    state = {
        "features.0.weight": NETWORK.kernels["conv1_1"],
        "features.1.running_mean": NETWORK.biases["conv1_1"],
    }
    write: dict[str, Callable[[Path, Any], None]] = {
        "pth": writers.write_torch_zip,
        "old.pth": writers.write_torch_legacy,
        "npz": writers.write_npz,
        "safetensors": writers.write_safetensors,
    }
    write[suffix](path, state)
    assert "vgg19_bn" in refusal(path)


def test_integers_in_place_of_weights(tmp_path: Path) -> None:
    state = {k: v.astype("<i8") for k, v in writers.torchvision_state(NETWORK).items()}
    writers.write_torch_zip(tmp_path / "vgg19.pth", state)
    assert "expected floating point" in refusal(tmp_path / "vgg19.pth")


@pytest.mark.parametrize(("package", "suffix"), [("h5py", "h5"), ("onnx", "onnx")])
def test_a_missing_package(
    package: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(suffix, tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    assert 'pip install "lightstyle[export]"' in refusal(path)


def test_a_name_in_a_file_cannot_break_the_line(tmp_path: Path) -> None:
    state = {"evil\n\x1b[31mname": np.zeros(3, np.float32)}
    writers.write_safetensors(tmp_path / "vgg19.safetensors", state)
    assert refusal(tmp_path / "vgg19.safetensors").isprintable()


@pytest.mark.parametrize("value", [1e300, 1e308])
def test_a_mean_beyond_float32(value: float, tmp_path: Path) -> None:
    path, image = tmp_path / "vgg19.mat", np.full((2, 2, 3), value)
    layers = writers.matconvnet_layers(NETWORK)
    saved = {"layers": layers, "normalization": {"averageImage": image}}
    scipy.io.savemat(path, saved)
    assert "the mean holds NaN or infinite values" in refusal(path)
