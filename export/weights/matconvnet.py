"""Reads MatConvNet's `imagenet-vgg-verydeep-19.mat`.

MatConvNet's importer converted Oxford's Caffe weights to MATLAB's order: filters are
(height, width, in, out), conv1_1 reads RGB, and the mean, ``averageImage``, is in RGB
too. Versions differ in where the mean is, and in whether a layer has a cell ``weights``
or the fields ``filters`` and ``biases``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .mat5 import read_mat
from .preprocessing import CAFFE, RGB
from .tensors import LazyTensor, WeightsFile

_MAX_IMAGE: Final = 2**24


@contextmanager
def open_matconvnet(path: Path) -> Iterator[WeightsFile]:
    """Open a network of MatConvNet's in its SimpleNN form.

    Raises:
        WeightsError: It holds no layers, or a layer without filters.
    """
    saved = read_mat(path, ("layers", "meta", "normalization", "net"))
    net = saved.get("net", saved)
    layers = net.get("layers") if isinstance(net, dict) else None
    if not isinstance(layers, list):
        raise WeightsError(
            "it holds no cell array 'layers', expected MatConvNet's VGG19"
        )
    parameters = {
        str(layer.get("name")): _filters_and_biases(layer)
        for layer in layers
        if isinstance(layer, dict) and layer.get("type") == "conv"
    }
    yield WeightsFile(
        "MatConvNet",
        {name: _lazy(filters) for name, (filters, _) in parameters.items()},
        {name: _lazy(biases.reshape(-1)) for name, (_, biases) in parameters.items()},
        family=None,
        layout="HWIO",
        stated=CAFFE,
        order=RGB,
        mean=_mean(net),
    )


def _filters_and_biases(layer: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    parts = layer.get("weights", [layer.get("filters"), layer.get("biases")])
    match parts:
        case [np.ndarray() as filters, np.ndarray() as biases]:
            return filters, biases
    raise WeightsError(f"its layer {layer.get('name')!r} has no filters and biases")


def _lazy(array: NDArray[Any]) -> LazyTensor:
    def read() -> NDArray[Any]:
        # MATLAB stores doubles that are whole numbers as the smallest integers.
        return array if array.dtype.kind == "f" else array.astype(np.float64)

    return LazyTensor(array.shape, read)


def _mean(net: dict[str, Any]) -> NDArray[np.float64] | None:
    """Return the mean colour of the average picture, (h, w, 3) or three numbers."""
    holder = net.get("meta") if isinstance(net.get("meta"), dict) else net
    normalization = (holder or {}).get("normalization")
    if not isinstance(normalization, dict) or "averageImage" not in normalization:
        return None
    image = np.asarray(normalization["averageImage"])
    plausible = 0 < image.size <= _MAX_IMAGE and image.size % 3 == 0
    if not plausible or not np.isfinite(image).all():
        raise WeightsError(f"its averageImage of shape {image.shape} is no RGB picture")
    pixels = image.reshape(-1, 3) if image.shape[-1] == 3 else image.reshape(1, 3)
    with np.errstate(over="ignore"):  # a mean that is not finite is refused later
        mean: NDArray[np.float64] = pixels.mean(axis=0, dtype=np.float64)
    return mean
