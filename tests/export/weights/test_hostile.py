"""Files made to run code, to open other files, or to exhaust memory or time."""

import json
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest

from export.errors import WeightsError
from export.weights import read_weights
from tests.export.weights import writers
from tests.export.weights.writers import (
    ORDERED_DICT,
    REBUILD,
    TINY,
    Call,
    Dictionary,
    Global,
    Persistent,
    encoded,
    pickled,
    tensor,
)

NETWORK = writers.tiny_network(9)
STATE = writers.torchvision_state(NETWORK)
FIRST = NETWORK.kernels["conv1_1"]

both_containers = pytest.mark.parametrize(
    "write", [writers.write_torch_zip, writers.write_torch_legacy]
)
Write = Callable[..., None]


@pytest.fixture
def _bounded() -> Iterator[None]:
    tracemalloc.start()
    started = time.process_time()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80e6
    assert time.process_time() - started < 5


def refusal(path: Path, preprocessing: str = "auto") -> str:
    with pytest.raises(WeightsError) as caught:
        read_weights(path, preprocessing, TINY)
    assert str(caught.value).isprintable()
    return str(caught.value)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@both_containers
@pytest.mark.parametrize("protocol", range(6))
def test_no_code_is_run(write: Write, protocol: int, tmp_path: Path) -> None:
    victim = tmp_path / "touched"
    program = pickle.dumps({"features.0.weight": Evil(victim)}, protocol)
    write(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")
    assert not victim.exists()


@both_containers
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torchvision.models.vgg", "VGG"),
        ("collections", "OrderedDict.fromkeys"),
        ("torch", "../FloatStorage"),
    ],
)
def test_names_that_no_state_dict_needs(
    write: Write, module: str, name: str, tmp_path: Path
) -> None:
    program = pickled(Dictionary({"x": Call(Global(module, name), ("true",))}))
    write(tmp_path / "vgg19.pth", STATE, program)
    line = refusal(tmp_path / "vgg19.pth")
    assert f"{module} {name}" in line
    assert "state_dict()" in line


def with_first(replacement: Any, legacy: bool) -> bytes:
    tensors = {
        k: tensor(v, f"94{i}" if legacy else f"{i}", legacy)
        for i, (k, v) in enumerate(STATE.items())
    }
    return pickled(Dictionary(tensors | {"features.0.weight": replacement}))


@both_containers
@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**62},
        {"count": FIRST.size + 1},
        {"count": 2**62},
        {"count": 2**40, "offset": 2**40 - FIRST.size},
        {"count": -5},
        {"shape": (2**40, 2**40, 3, 3)},
        {"shape": (4, 3, 3, -3)},
        {"shape": (4, 3, 3)},
        {"shape": ("4", 3, 3, 3)},
        {"strides": (27, 9, 3, 2)},
        {"strides": (2**61, 9, 3, 1)},
        {"strides": (-27, 9, 3, 1)},
        {"strides": None},
        {"kind": "QUInt8Storage"},
        {"kind": "LongStorage"},
        {"kind": "DoubleStorage"},
    ],
)
def test_tensors_that_lie_about_their_storage(
    write: Write, changes: dict[str, Any], tmp_path: Path
) -> None:
    legacy = write is writers.write_torch_legacy
    key = "940" if legacy else "0"
    lie = tensor(FIRST, key, legacy, **changes)
    write(tmp_path / "vgg19.pth", STATE, with_first(lie, legacy))
    refusal(tmp_path / "vgg19.pth")


@both_containers
def test_views_of_a_storage_are_followed(write: Write, tmp_path: Path) -> None:
    legacy = write is writers.write_torch_legacy
    key = "940" if legacy else "0"
    shared = np.concatenate([np.full(5, np.nan, np.float32), FIRST.T.ravel()])
    view = tensor(
        shared, key, legacy, offset=5, shape=FIRST.shape, strides=(1, 4, 12, 36)
    )
    state = STATE | {"features.0.weight": shared}
    write(tmp_path / "vgg19.pth", state, with_first(view, legacy))
    weights = read_weights(tmp_path / "vgg19.pth", "caffe", TINY)
    np.testing.assert_array_equal(weights.kernels["conv1_1"], FIRST[:, ::-1])


@pytest.mark.parametrize(
    "value",
    [
        Persistent(("module", Global("torch", "FloatStorage"), "0", "cpu", 4)),
        Persistent(("storage", "FloatStorage", "0", "cpu", 4)),
        Persistent(
            ("storage", Global("torch", "FloatStorage"), "0", "cpu", 4, ("0", 1, 2))
        ),
        Call(REBUILD, (1, 2, 3, 4)),
        Call(REBUILD, ()),
        Call(Global("torch", "FloatStorage"), ()),
        Call(Global("torch.nn.parameter", "Parameter"), (3,)),
        Call(ORDERED_DICT, ("ab",)),
        {("a",): 1},
    ],
)
def test_programs_that_misuse_what_they_may(value: Any, tmp_path: Path) -> None:
    program = pickled(Dictionary({"x": value}))
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")


def lists_made_into_many_dictionaries() -> bytes:
    pairs = b"](" + b"".join(encoded([f"{i}", 1]) for i in range(2000)) + b"eq\x00"
    again = encoded(ORDERED_DICT) + b"h\x00\x85R0"
    return b"\x80\x02" + pairs + again * 5000 + b"."


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02" + b"(" * 9000 + b"t" * 9000 + b".",
        b"\x80\x02" + b"]" * 9000 + b"a" * 8999 + b".",
        b"\x80\x02)" + b"q\x00h\x00\x86" * 6000 + b".",
        b"\x80\x02)" + b"q\x00h\x00\x86" * 90 + b"q\x00)\x93.",
        b"\x80\x02)" + b"q\x00h\x00\x86" * 90 + b"q\x00)R.",
        b"\x80\x02})" + b"q\x00h\x00\x86" * 90 + b"Ns.",
        b"\x80\x02" + b"N" * 30_000 + b".",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x02\x8d" + b"\xff" * 7 + b"\x7fabc.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"\x80\x02h\x07.",
        b"\x80\x02R.",
        b"\x80\x02e.",
        b"\x80\x02.",
        b"\x80\x02",
        b"\xff" * 100,
        lists_made_into_many_dictionaries(),
    ],
    ids=lambda program: f"{program[:12]!r}…{len(program)}",
)
@both_containers
@pytest.mark.usefixtures("_bounded")
def test_programs_made_to_exhaust_or_crash(
    write: Write, program: bytes, tmp_path: Path
) -> None:
    write(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")


def test_a_compressed_storage(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    writers.write_torch_zip(path, STATE, compression=zipfile.ZIP_DEFLATED)
    assert "is compressed" in refusal(path)


@pytest.mark.usefixtures("_bounded")
def test_a_pickle_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    program = bytes(2**24)
    writers.write_torch_zip(path, {}, program, zipfile.ZIP_DEFLATED)
    assert "larger than 8388608 bytes" in refusal(path)


def test_a_zip_member_with_another_size_than_it_claims(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    writers.write_torch_zip(path, STATE)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("vgg19/data/0")
    content = bytearray(path.read_bytes())
    directory = content.rfind(b"vgg19/data/0") - 46
    claimed = struct.pack("<II", info.file_size + 4, info.file_size + 4)
    content[directory + 20 : directory + 28] = claimed
    path.write_bytes(content)
    assert "bytes, its tensors say" in refusal(path)


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


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind: int, shape: tuple[int, ...], body: bytes, name: bytes = b"") -> bytes:
    dimensions = struct.pack(f"<{len(shape)}i", *shape)
    head = element(6, struct.pack("<II", kind, 0)) + element(5, dimensions)
    return element(14, head + element(1, name) + body)


def write_mat(path: Path, body: bytes) -> None:
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
    path.write_bytes(header + body)


def nested_cells(depth: int) -> bytes:
    heads, size = [], 0
    for level in range(depth):
        name = b"layers" if level == depth - 1 else b""
        head = element(6, struct.pack("<II", 1, 0)) + element(
            5, struct.pack("<2i", 1, 1)
        )
        head += element(1, name)
        heads.append(struct.pack("<II", 14, len(head) + size) + head)
        size += len(heads[-1])
    return b"".join(reversed(heads))


@pytest.mark.usefixtures("_bounded")
def test_cells_nested_without_end(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.mat"
    write_mat(path, nested_cells(1000))
    assert "nested" in refusal(path)


@pytest.mark.parametrize(
    "body",
    [
        matrix(1, (2**31 - 1, 2**31 - 1), b"", b"layers"),
        matrix(1, (-1, -1), b"", b"layers"),
        matrix(7, (2**31 - 1, 2**31 - 1), element(7, b"abcd"), b"layers"),
        matrix(2, (9, 9), element(5, bytes(4)) + element(1, b"a"), b"layers"),
        matrix(2, (2**31 - 1, 9), element(5, b"\4\0\0\0") + element(1, b""), b"net"),
        matrix(7, (1, 1), element(99, b"abcd"), b"layers"),
        matrix(4, (1, 3), element(4, b"a\0b\0c\0"), b"layers"),
        matrix(17, (1, 1), b"", b"layers"),
        struct.pack("<II", 14, 2**32 - 1),
        element(15, zlib.compress(struct.pack("<II", 14, 2**32 - 1))),
        element(15, b"not compressed"),
        b"",
    ],
)
def test_mat_files_that_lie(body: bytes, tmp_path: Path) -> None:
    write_mat(tmp_path / "vgg19.mat", body)
    refusal(tmp_path / "vgg19.mat")


@pytest.mark.usefixtures("_bounded")
def test_a_variable_that_unpacks_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.weights.mat5._MAX_UNPACKED", 2**20)
    write_mat(tmp_path / "vgg19.mat", element(15, zlib.compress(bytes(2**24))))
    assert "unpacks to more than 1048576 bytes" in refusal(tmp_path / "vgg19.mat")


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


def test_reading_imports_no_framework(tmp_path: Path) -> None:
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE)
    program = (
        "import sys; from pathlib import Path; from export.weights import read_weights;"
        "from tests.export.weights.writers import TINY;"
        f"read_weights(Path({str(tmp_path / 'vgg19.pth')!r}), channels=TINY);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
