"""Checks weights and brings them into one form: float32, for RGB in grey levels.

The form is cross-correlation kernels (out, in, 3, 3) that read RGB − mean on the scale
of 0…255. Other conventions are folded into conv1_1 exactly: for Caffe's BGR, the input
channels of the kernel are reversed; for torchvision's division by std, the kernel is
divided, per channel.

The features of torchvision's network are then scaled up. Its input is in units of std,
about 58 grey levels, so its features are about 58 times smaller than those of a network
trained on grey levels, and a style term, which grows with their fourth power, is about
10⁷ times smaller: no style weight could mean the same for both. A network of
convolutions, ReLUs and poolings is positively homogeneous: f(k·x) = k·f(x) if its
biases are multiplied by k too. So conv1_1 and all biases are multiplied by
k = 255 · mean(std), which puts the features on the scale of the picture, as Caffe's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .embedding import Embedding
from .preprocessing import BGR, Convention, decide
from .tensors import LazyTensor, WeightsFile, check_float, require_finite

_HWIO_TO_OIHW = (3, 2, 0, 1)
_OIHW_TO_HWIO = (2, 3, 1, 0)


@dataclass(frozen=True)
class Weights:
    """VGG19 in the form described in `export.weights.canonical`.

    Attributes:
        kernels: ``conv1_1`` … ``conv5_3`` → float32 (out, in, 3, 3), to be applied as
            ONNX's Conv does (cross-correlation); conv1_1 reads RGB.
        biases: The same layers → float32 (out,).
        mean: float32 (3,) RGB, grey levels 0…255, to subtract from the picture before
            conv1_1.
        preprocessing: ``caffe`` or ``torchvision``: the convention of the file.
        source: Format and naming of the file, such as ``Keras HDF5``.
        digest: SHA-256 of the file, in hexadecimal digits.
        embeddings: For a narrowed network: layers that a loss can use → the map from
            their features to VGG19's.
    """

    kernels: Mapping[str, NDArray[np.float32]]
    biases: Mapping[str, NDArray[np.float32]]
    mean: NDArray[np.float32]
    preprocessing: str
    source: str
    digest: str
    embeddings: Mapping[str, Embedding] = field(default_factory=dict)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by their names in a model: ``conv1_1.weight``, ``mean``."""
        named: dict[str, NDArray[Any]] = {"mean": self.mean}
        for layer, kernel in self.kernels.items():
            named[f"{layer}.weight"] = kernel
            named[f"{layer}.bias"] = self.biases[layer]
        for layer, embedding in self.embeddings.items():
            for part, value in embedding.tensors().items():
                named[f"{layer}.{part}"] = value
        return named

    def halved(self) -> "Weights":
        """Return the same network with large arrays in 16 bits, for a small file."""

        def half(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            return {layer: array.astype(np.float16) for layer, array in arrays.items()}

        embeddings = {
            layer: Embedding(*(a.astype(np.float16) for a in (e.matrix, e.offset)))
            for layer, e in self.embeddings.items()
        }
        return replace(self, kernels=half(self.kernels), embeddings=embeddings)


def canonical_weights(
    file: WeightsFile, channels: Mapping[str, int], preprocessing: str, digest: str
) -> Weights:
    """Read the tensors of an open file and bring them into the canonical form.

    Args:
        file: The open file.
        channels: Layers to read, in order → number of channels.
        preprocessing: ``auto``, ``caffe`` or ``torchvision``.
        digest: SHA-256 of the file.

    Raises:
        WeightsError: A layer is missing, misshapen or not finite, or the
            preprocessing is not recognised.
    """
    kernels: dict[str, NDArray[np.float32]] = {}
    biases: dict[str, NDArray[np.float32]] = {}
    for layer, shape in _kernel_shapes(channels):
        kernels[layer] = _read_kernel(file, layer, shape)
        biases[layer] = _read_bias(file, layer, shape[0])
    first = next(iter(channels))
    convention = decide(preprocessing, file, kernels[first], biases[first])
    kernels[first] = _fold(kernels[first], convention)
    scale = convention.std.mean()
    return Weights(
        kernels=kernels,
        biases={k: _scaled(v, scale, f"{k}'s bias") for k, v in biases.items()},
        mean=_scaled(convention.mean, 1.0, "the mean"),
        preprocessing=convention.name,
        source=file.source,
        digest=digest,
    )


def _fold(kernel: NDArray[np.float32], convention: Convention) -> NDArray[np.float32]:
    in_rgb = kernel[:, ::-1] if convention.order == BGR else kernel
    factors = convention.std.mean() / convention.std
    return _scaled(in_rgb, factors[:, np.newaxis, np.newaxis], "conv1_1's kernel")


def _kernel_shapes(
    channels: Mapping[str, int],
) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    inputs = 3
    for layer, outputs in channels.items():
        yield layer, (outputs, inputs, 3, 3)
        inputs = outputs


def _read_kernel(
    file: WeightsFile, layer: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    what = f"{layer}'s kernel"
    tensor = _present(file.kernels, layer, what)
    hwio = tuple(shape[axis] for axis in _OIHW_TO_HWIO)
    if file.layout != "HWIO" and tensor.shape == shape:
        return _values(tensor, what)
    if file.layout != "OIHW" and tensor.shape == hwio:
        return np.ascontiguousarray(_values(tensor, what).transpose(_HWIO_TO_OIHW))
    expected = {"OIHW": f"{shape}", "HWIO": f"{hwio}"}.get(
        file.layout, f"{shape} or {hwio}"
    )
    raise WeightsError(f"{what} has shape {tensor.shape}, VGG19's has {expected}")


def _read_bias(file: WeightsFile, layer: str, size: int) -> NDArray[np.float32]:
    what = f"{layer}'s bias"
    tensor = _present(file.biases, layer, what)
    if tensor.shape != (size,):
        raise WeightsError(f"{what} has shape {tensor.shape}, VGG19's has {(size,)}")
    return _values(tensor, what)


def _present(tensors: Mapping[str, LazyTensor], layer: str, what: str) -> LazyTensor:
    if layer not in tensors:
        raise WeightsError(
            f"{what} is missing; found {len(tensors)} tensors of that kind, expected "
            "the 16 of VGG19: is it another network, such as VGG16?"
        )
    return tensors[layer]


def _values(tensor: LazyTensor, what: str) -> NDArray[np.float32]:
    array = tensor.read()
    check_float(what, array.dtype)
    return _scaled(array, 1.0, what)


def _scaled(
    array: NDArray[Any], factors: float | NDArray[np.float64], what: str
) -> NDArray[np.float32]:
    """Multiply in double precision and return float32; refuse what is not finite."""
    with np.errstate(all="ignore"):  # overflow is refused just below
        product = np.asarray(array, np.float64) * factors
        values = np.ascontiguousarray(product, np.float32)
    require_finite(what, values)
    return values
