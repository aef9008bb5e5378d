"""Narrows VGG19 on a folder of pictures, for ``lightstyle export --reduce``.

The mathematics is in `reduce`. This module chooses the widths, reads the pictures and
runs the wide network on onnxruntime.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lightstyle import onnx_runtime

from . import vgg
from .errors import ExportError
from .graph import Graph
from .lowering import lower
from .network import CONTENT_LAYERS, STYLE_LAYERS
from .reduce import Features, narrow
from .weights import Embedding, Weights
from .write import to_proto

#: Widths in multiples of 16, chosen by measured seconds. Blocks 1 and 2 are the slow
#: ones. In blocks 3 and 4 the layers up to conv4_1 matter most, because most of a style
#: loss is in conv4_1.
WIDTHS: Final[dict[str, int]] = {
    "conv1_1": 16,
    "conv1_2": 16,
    "conv2_1": 48,
    "conv2_2": 64,
    "conv3_1": 112,
    "conv3_2": 96,
    "conv3_3": 96,
    "conv3_4": 112,
    "conv4_1": 256,
    "conv4_2": 192,
    "conv4_3": 160,
    "conv4_4": 192,
    "conv5_1": 320,
    "conv5_2": 256,
}

#: Layers of a narrowed network that a loss can use.
MAPPED: Final = tuple(
    layer for layer in WIDTHS if layer in (*CONTENT_LAYERS, *STYLE_LAYERS)
)

#: Most pictures that are used, and the longest side that each is reduced to.
PICTURES: Final = 96
SIDE: Final = 256

_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")


def narrowed(
    network: Weights,
    folder: Path,
    widths: Mapping[str, int] = WIDTHS,
    mapped: Sequence[str] = MAPPED,
) -> Weights:
    """Narrow `network` in closed form, fitted to the pictures in `folder`.

    Args:
        network: VGG19, or a network of its depth.
        folder: Folder of .jpg, .png or .webp files, of which at most `PICTURES` are
            used, evenly spaced. A good result needs some dozens of varied pictures.
        widths: Layers, in order → number of channels to keep.
        mapped: Layers that a loss can use.

    Raises:
        ExportError: There is no such folder, or no picture in it can be read.
    """
    pictures = [_picture(path) for path in _chosen(folder)]
    wide = network.kernels, network.biases, network.mean
    features = _features(network, tuple(widths))
    small = narrow(features, *wide, widths, mapped, pictures)
    return replace(
        network,
        kernels=small.kernels,
        biases=small.biases,
        source=f"{network.source}, narrowed by Lightstyle",
        embeddings={layer: Embedding(*small.maps[layer]) for layer in small.maps},
    )


def _chosen(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ExportError(f"{folder} is not a folder: give a folder of pictures")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
    if not found:
        raise ExportError(
            f"{folder} has no pictures: expected files {', '.join(_SUFFIXES)}"
        )
    return found[:: max(1, len(found) // PICTURES)][:PICTURES]


def _picture(path: Path) -> NDArray[np.float32]:
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as error:  # Pillow has no base class for what it raises
        raise ExportError(
            f"{path} cannot be read as a picture: remove it from the folder"
        ) from error
    image.thumbnail((SIDE, SIDE))
    return np.asarray(image, np.float32)


def _features(network: Weights, layers: Sequence[str]) -> Features:
    """Return the wide network: picture (H, W, 3) → activations (C, h, w) of layers."""
    try:
        runtime = onnx_runtime.load()
    except (ImportError, AttributeError) as error:
        raise ExportError(
            'narrowing needs onnxruntime; run: pip install "lightstyle[cpu]"'
        ) from error
    graph = Graph()
    image = graph.input("image", (1, 3, "H", "W"))
    graph.outputs = vgg.features(graph, image, network, layers, "max")
    session = runtime.InferenceSession(
        to_proto(lower(graph)).SerializeToString(), providers=["CPUExecutionProvider"]
    )

    def features(image_hwc: NDArray[Any]) -> dict[str, NDArray[Any]]:
        pixels = np.ascontiguousarray(image_hwc.transpose(2, 0, 1)[None], np.float32)
        values = session.run(None, {"image": pixels})
        return {
            layer: value[0] for layer, value in zip(graph.outputs, values, strict=True)
        }

    return features
