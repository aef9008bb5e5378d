"""Writes one tiny network in every format that is read, without any framework."""

import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import scipy.io
from numpy.typing import NDArray
from safetensors.numpy import save_file

from lightstyle.contract import CHANNELS

Array = NDArray[Any]

#: The layers of VGG19 with a few channels each; no width is that of a kernel.
TINY = {layer: 4 + index // 4 for index, layer in enumerate(CHANNELS)}
_LAYERS = (*TINY, "conv5_4")

MEAN_RGB = (123.68, 116.779, 103.939)
STD = np.array((0.229, 0.224, 0.225))
ENLARGEMENT = 255 * STD.mean()

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
MODULES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


@dataclass(frozen=True)
class Network:
    """Kernels (out, in, 3, 3) and biases; the channels of the picture as `order`."""

    kernels: dict[str, Array]
    biases: dict[str, Array]

    def reversed_channels(self) -> "Network":
        first = self.kernels["conv1_1"][:, ::-1].copy()
        return Network(self.kernels | {"conv1_1": first}, self.biases)

    def named(self, kernel: str, bias: str, places: Mapping[str, object]) -> Any:
        tensors = {kernel.format(places[k]): v for k, v in self.kernels.items()}
        return tensors | {bias.format(places[k]): v for k, v in self.biases.items()}

    def like_torchvision(self) -> "Network":
        """The same function of (RGB / 255 − mean) / std, on torchvision's scale."""
        factors = (STD / STD.mean())[:, np.newaxis, np.newaxis]
        first = (self.kernels["conv1_1"] * factors).astype(np.float32)
        biases = {
            k: (v / ENLARGEMENT).astype(np.float32) for k, v in self.biases.items()
        }
        return Network(self.kernels | {"conv1_1": first}, biases)


def tiny_network(seed: int = 7) -> Network:
    rng = np.random.default_rng(seed)
    kernels, biases, inputs = {}, {}, 3
    for layer in _LAYERS:
        outputs = TINY.get(layer, 7)
        shape = (outputs, inputs, 3, 3)
        kernels[layer] = rng.standard_normal(shape).astype(np.float32)
        biases[layer] = rng.standard_normal(outputs).astype(np.float32)
        inputs = outputs
    return Network(kernels, biases)


def caffe_state(network: Network) -> dict[str, Array]:
    names = {layer: layer for layer in _LAYERS}
    state: dict[str, Array] = network.named("{}.weight", "{}.bias", names)
    return state


def torchvision_state(network: Network) -> dict[str, Array]:
    places = dict(zip(_LAYERS, MODULES, strict=True))
    state: dict[str, Array] = network.named(
        "features.{}.weight", "features.{}.bias", places
    )
    return state


def keras_names(kernel: str, bias: str, network: Network) -> dict[str, Array]:
    places = {k: f"block{k[4]}_conv{k[6]}" for k in _LAYERS}
    hwio = {k: v.transpose(2, 3, 1, 0) for k, v in network.kernels.items()}
    state: dict[str, Array] = Network(hwio, network.biases).named(kernel, bias, places)
    return state


def write_hdf5(path: Path, datasets: Mapping[str, Array], **attributes: bytes) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update({k: np.bytes_(v) for k, v in attributes.items()})
        for name, values in datasets.items():
            file.create_dataset(name, data=values)


def write_keras(path: Path, network: Network) -> None:
    kernel, bias = "{0}/{0}_W_1:0", "{0}/{0}_b_1:0"
    write_hdf5(path, keras_names(kernel, bias, network), backend=b"tensorflow")


def write_matconvnet(path: Path, network: Network, **options: Any) -> None:
    image = np.array(MEAN_RGB, np.float32).reshape(1, 1, 3)
    meta = {"normalization": {"averageImage": image}}
    layers = matconvnet_layers(network)
    scipy.io.savemat(path, {"layers": layers, "meta": meta}, **options)


def matconvnet_layers(network: Network, older: bool = False) -> Array:
    layers = []
    for name, kernel in network.kernels.items():
        filters = kernel.transpose(2, 3, 1, 0)
        parameters = np.empty((1, 2), object)
        parameters[0, 0], parameters[0, 1] = filters, network.biases[name][np.newaxis]
        fields: dict[str, Any] = {"weights": parameters}
        if older:
            fields = {"filters": filters, "biases": network.biases[name][np.newaxis]}
        layers += [{"type": "conv", "name": name, **fields}, {"type": "relu"}]
    return np.array([layers], object)


def onnx_model(network: Network, name: str = "vgg0_conv{}") -> onnx.ModelProto:
    nodes, tensors, value = [], [], "data"
    for index, layer in enumerate(network.kernels):
        kernel, bias = (f"{name.format(index)}_{role}" for role in ("weight", "bias"))
        arrays = ((kernel, network.kernels[layer]), (bias, network.biases[layer]))
        tensors += [onnx.numpy_helper.from_array(a, n) for n, a in arrays]
        nodes.append(onnx.helper.make_node("Conv", [value, kernel, bias], [f"{index}"]))
        value = f"{index}"
    tensors.reverse()  # the order of the nodes counts, not this one
    graph = onnx.helper.make_graph(nodes, "vgg", [], [], tensors)
    return onnx.helper.make_model(graph)


def write_onnx(path: Path, network: Network) -> None:
    path.write_bytes(onnx_model(network).SerializeToString())


def write_npz(path: Path, state: Mapping[str, Any]) -> None:
    np.savez(path, **state)


def write_safetensors(
    path: Path, state: Mapping[str, Array], metadata: dict[str, str] | None = None
) -> None:
    contiguous = {k: np.ascontiguousarray(v) for k, v in state.items()}
    save_file(contiguous, path, metadata)


def write_bfloat16_safetensors(path: Path, state: Mapping[str, Array]) -> None:
    header, data = {}, b""
    for name, bits in state.items():
        place = [len(data), len(data) + bits.nbytes]
        header[name] = {"dtype": "BF16", "shape": bits.shape, "data_offsets": place}
        data += bits.tobytes()
    encoded_header = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded_header)) + encoded_header + data)


# PyTorch's two containers ------------------------------------------------------------


@dataclass(frozen=True)
class Global:
    module: str
    name: str


@dataclass(frozen=True)
class Call:
    function: Global
    arguments: tuple[Any, ...]
    instruction: bytes = b"R"


@dataclass(frozen=True)
class Built:
    """An object and the state that is put into it afterwards."""

    value: Any
    state: Any


@dataclass(frozen=True)
class Persistent:
    id: tuple[Any, ...]


class ByteString(str):
    """A string as Python 2 writes it."""


@dataclass(frozen=True)
class Dictionary:
    """An OrderedDict with an attribute, as state dicts have."""

    items: Mapping[str, Any]


ORDERED_DICT = Global("collections", "OrderedDict")
REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
_STORAGES = {
    "f2": "Half",
    "f4": "Float",
    "f8": "Double",
    "i8": "Long",
    "u2": "BFloat16",
}


def pickled(value: Any) -> bytes:
    return b"\x80\x02" + encoded(value) + b"."


def encoded(value: Any) -> bytes:
    match value:
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int() if -(2**31) <= value < 2**31:
            return b"J" + struct.pack("<i", value)
        case int():
            digits = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(digits)]) + digits
        case ByteString():
            return b"U" + bytes([len(value)]) + value.encode()
        case str():
            text = value.encode()
            return b"X" + struct.pack("<I", len(text)) + text
        case tuple():
            return b"(" + b"".join(map(encoded, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encoded, value)) + b"e"
        case dict():
            items = b"".join(encoded(k) + encoded(v) for k, v in value.items())
            return b"}(" + items + b"u"
        case Global(module, name):
            return f"c{module}\n{name}\n".encode()
        case Call(function, arguments, instruction):
            return encoded(function) + encoded(arguments) + instruction
        case Built(built, state):
            return encoded(built) + encoded(state) + b"b"
        case Persistent(id):
            return encoded(id) + b"Q"
        case Dictionary(items):
            pairs = b"".join(encoded(k) + encoded(v) for k, v in items.items())
            metadata = encoded({"_metadata": Call(ORDERED_DICT, ())}) + b"b"
            return encoded(Call(ORDERED_DICT, ())) + b"(" + pairs + b"u" + metadata
    raise TypeError(type(value))


def tensor(array: Array, key: str, legacy: bool = False, **changes: Any) -> Call:
    """A description of `array`; `changes` make it lie."""
    kind = changes.get("kind", _STORAGES[array.dtype.str[1:]] + "Storage")
    id = (
        "storage",
        Global("torch", kind),
        key,
        "cpu",
        changes.get("count", array.size),
    )
    strides = np.zeros(array.shape, "i1").strides  # items of one byte: in items
    arguments = (
        Persistent((*id, None) if legacy else id),
        changes.get("offset", 0),
        changes.get("shape", array.shape),
        changes.get("strides", strides),
        False,
        Call(ORDERED_DICT, ()),
    )
    return Call(REBUILD, arguments)


def write_torch_zip(
    path: Path,
    state: Mapping[str, Array],
    program: bytes | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> None:
    tensors = {k: tensor(v, str(i)) for i, (k, v) in enumerate(state.items())}
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("vgg19/data.pkl", program or pickled(Dictionary(tensors)))
        archive.writestr("vgg19/byteorder", "little")
        for index, array in enumerate(state.values()):
            archive.writestr(f"vgg19/data/{index}", array.tobytes())
        archive.writestr("vgg19/version", "3\n")


def write_torch_legacy(
    path: Path, state: Mapping[str, Array], program: bytes | None = None
) -> None:
    tensors = {k: tensor(v, f"94{i}", True) for i, (k, v) in enumerate(state.items())}
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    pieces = [pickled(LEGACY_MAGIC), pickled(1001), pickled(system)]
    pieces += [program or pickled(Dictionary(tensors))]
    pieces += [pickled([f"94{i}" for i in range(len(state))])]
    pieces += [struct.pack("<q", a.size) + a.tobytes() for a in state.values()]
    path.write_bytes(b"".join(pieces))
