"""Seeds: weights in every format, and a model with all its graphs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

import export
from export import build_model
from export.weights import Embedding, read_weights
from lightstyle.contract import CHANNELS, weights_path
from tests.export.weights import writers
from tests.export.weights.writers import TINY, tiny_network
from tests.support.networks import save_foreign, tiny_weights

from .containers import rezipped

#: Names of the models, without suffixes: one with all graphs, one with few, and one
#: with few layers; runs are quicker with each.
MODEL, QUICK_MODEL, LIGHT_MODEL = "tiny", "quick", "light"

_NETWORK: Final = tiny_network()
_CAFFE: Final = writers.caffe_state(_NETWORK)
_TORCHVISION: Final = writers.torchvision_state(_NETWORK.like_torchvision())

_WRITERS: Final[dict[str, Callable[[Path], Any]]] = {
    "keras.h5": partial(writers.write_keras, network=_NETWORK),
    "zip.pth": partial(writers.write_torch_zip, state=_TORCHVISION),
    "legacy.pth": partial(writers.write_torch_legacy, state=_CAFFE),
    "plain.mat": partial(writers.write_matconvnet, network=_NETWORK),
    "packed.mat": partial(
        writers.write_matconvnet, network=_NETWORK, do_compression=True
    ),
    "zoo.onnx": partial(writers.write_onnx, network=_NETWORK),
    "arrays.npz": partial(writers.write_npz, state=_CAFFE),
    "state.safetensors": partial(writers.write_safetensors, state=_TORCHVISION),
    "foreign.onnx": save_foreign,
}


def weights(model: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return weights of all formats by name, those of `model` among them."""
    made = {"own.safetensors": model[f"{MODEL}.safetensors"]}
    made["narrow.safetensors"] = _narrow()
    with TemporaryDirectory() as folder:
        for name, write in _WRITERS.items():
            path = Path(folder, name)
            write(path)
            made[name] = _undated(path.read_bytes())
    return made


def _undated(data: bytes) -> bytes:
    """Take the time of writing away, so that equal weights are equal files."""
    if data.startswith(b"MATLAB"):
        return b"MATLAB 5.0".ljust(116) + data[116:]
    return rezipped(data) if data.startswith(b"PK") else data


def models() -> dict[str, bytes]:
    """Return the files of models of a few channels, by name."""
    with TemporaryDirectory() as folder:
        build_model(tiny_weights(), Path(folder, f"{MODEL}.onnx"))
        quick = Path(folder, f"{QUICK_MODEL}.onnx")
        build_model(tiny_weights(1), quick, lowering="none")
        build_model(
            tiny_weights(2),
            Path(folder, f"{LIGHT_MODEL}.onnx"),
            lowering="none",
            content_layers=["conv1_2"],
            style_layers=["conv1_1"],
        )
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _narrow() -> bytes:
    """Return the weights of a model with maps to the features of VGG19."""
    random, network = np.random.default_rng(0), tiny_weights()
    maps = {
        layer: Embedding(
            random.normal(size=(CHANNELS[layer], len(network.biases[layer]))),
            random.normal(size=CHANNELS[layer]),
        )
        for layer in (*export.CONTENT_LAYERS, *export.STYLE_LAYERS)
    }
    with TemporaryDirectory() as folder:
        path = Path(folder, "narrow.onnx")
        build_model(replace(network, embeddings=maps).halved(), path, lowering="none")
        return weights_path(path).read_bytes()


def expect_tiny_weights() -> None:
    """Have the exporter take weights of these widths for VGG19's, in this process."""
    vars(export)["read_weights"] = partial(read_weights, channels=TINY)
