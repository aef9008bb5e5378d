"""Files made to run code, to open other files, or to exhaust memory or time."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest

from export.weights import read_weights
from tests.export.weights import writers
from tests.export.weights.refusals import NETWORK, STATE, Evil, refusal
from tests.export.weights.writers import TINY


@pytest.mark.usefixtures("_bounded")
def test_a_zip_directory_of_implausible_size(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(80):
            info = zipfile.ZipInfo(f"{index}.npy")
            info.comment = b"x" * 65_000
            archive.writestr(info, b"")
    assert "directory" in refusal(path)


def test_arrays_of_pickled_objects(tmp_path: Path) -> None:
    path, victim = tmp_path / "vgg19.npz", tmp_path / "touched"
    evil = np.array([Evil(victim)], dtype=object)
    writers.write_npz(path, STATE | {"features.0.weight": evil, "preprocessing": evil})
    refusal(path)
    refusal(path, "caffe")
    assert not victim.exists()


@pytest.mark.usefixtures("_bounded")
def test_an_array_that_claims_a_size(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.npz"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (64, 3, 3, 99999999)}"
    with zipfile.ZipFile(path, "w") as archive:
        padded = header.ljust(117).encode() + b"\n"
        npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded
        archive.writestr("conv1_1.weight.npy", npy)
    assert "conv1_1's kernel has shape (64, 3, 3, 99999999)" in refusal(path)


@pytest.mark.usefixtures("_bounded")
def test_a_header_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conv1_1.weight.npy", "w") as member,
    ):
        member.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**8))
        for _ in range(100):
            member.write(bytes(10**6))
    assert "damaged" in refusal(path)


def test_arrays_that_python_2_wrote_are_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in STATE.items():
            shape = ", ".join(f"{side}L" for side in value.shape)
            said = f"'descr': '<f4', 'fortran_order': False, 'shape': ({shape},), "
            header = f"{{{said}}}".ljust(117).encode() + b"\n"
            npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
            values = np.ascontiguousarray(value, np.float32).tobytes()
            archive.writestr(f"{name}.npy", npy + values)
    kernels = read_weights(path, channels=TINY).kernels
    np.testing.assert_array_equal(kernels["conv1_2"], NETWORK.kernels["conv1_2"])


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [4, 3, 3, 3], "data_offsets": [0, 2**40]},
        {"dtype": "F32", "shape": [4, 3, 3, 3], "data_offsets": [2**40, 2**40 + 432]},
        {"dtype": "F32", "shape": [4, 3, 3, 3], "data_offsets": [-432, 0]},
        {"dtype": "F32", "shape": [2**40, 3, 3, 3], "data_offsets": [0, 432]},
        {"dtype": "F32", "shape": [4, 3, 3, 3.0], "data_offsets": [0, 432]},
        {"dtype": "I32", "shape": [4, 3, 3, 3], "data_offsets": [0, 432]},
        {"dtype": [], "shape": [4, 3, 3, 3], "data_offsets": [0, 432]},
        {"shape": [4, 3, 3, 3]},
        [],
        7,
    ],
)
def test_safetensors_that_lie(entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.safetensors"
    header = json.dumps({"conv1_1.weight": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(600))
    refusal(path)


@pytest.mark.usefixtures("_bounded")
def test_a_deeply_nested_header(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.safetensors"
    header = b'{"a":' * 200_000
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(9))
    refusal(path)


@pytest.mark.parametrize("kind", ["external", "virtual", "link"])
def test_hdf5_that_points_to_other_files(kind: str, tmp_path: Path) -> None:
    other, path = tmp_path / "other.h5", tmp_path / "vgg19.h5"
    name, shape = "block1_conv1/kernel", (3, 3, 3, 4)
    with h5py.File(other, "w") as file:
        file[name] = np.zeros(shape, np.float32)
    with h5py.File(path, "w") as file:
        if kind == "external":
            file.create_dataset(name, shape, "f4", external=[(str(other), 0, 432)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[:] = h5py.VirtualSource(other, name, shape)
            file.create_virtual_dataset(name, layout)
        else:
            file[name] = h5py.ExternalLink(other, name)
    line = refusal(path)
    assert "another file" in line or "no convolution" in line


@pytest.mark.usefixtures("_bounded")
def test_hdf5_that_claims_a_size(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "vgg19.h5", "w") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 2**40), "f4", chunks=True)
    assert f"(3, 3, 3, {2**40})" in refusal(tmp_path / "vgg19.h5")


def test_hdf5_of_the_theano_backend(tmp_path: Path) -> None:
    writers.write_hdf5(tmp_path / "vgg19.h5", {}, backend=b"theano")
    assert "flipped" in refusal(tmp_path / "vgg19.h5")


def test_onnx_that_points_to_other_files(tmp_path: Path) -> None:
    model = writers.onnx_model(NETWORK)
    stored = model.graph.initializer[0]
    stored.ClearField("raw_data")
    stored.data_location = onnx.TensorProto.EXTERNAL
    stored.external_data.add(key="location", value="../../etc/passwd")
    (tmp_path / "vgg19.onnx").write_bytes(model.SerializeToString())
    assert "another file" in refusal(tmp_path / "vgg19.onnx")


def test_onnx_with_batch_normalisation(tmp_path: Path) -> None:
    model = writers.onnx_model(NETWORK)
    model.graph.node.add(op_type="BatchNormalization")
    (tmp_path / "vgg19.onnx").write_bytes(model.SerializeToString())
    assert "batch normalisation" in refusal(tmp_path / "vgg19.onnx")
