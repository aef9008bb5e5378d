"""Reads the HDF5 files of Keras 1, 2 and 3: `.h5`, with or without the classifier.

Kernels are (3, 3, in, out) and cross-correlated, as TensorFlow has them, and the
network wants Caffe's preprocessing. A file of Keras's Theano backend has its kernels
flipped and is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .naming import sort_out
from .preprocessing import CAFFE
from .tensors import LazyTensor, WeightsFile, require

_MAX_OBJECTS: Final = 10_000
_MAX_CHUNK: Final = 2**26  # values that HDF5 unpacks at a time, at most


@contextmanager
def open_hdf5(path: Path) -> Iterator[WeightsFile]:
    """Open weights that Keras saved.

    Raises:
        WeightsError: h5py is missing, or the file holds something else.
    """
    h5py = require("h5py")
    with h5py.File(path, "r") as file:
        family, kernels, biases = sort_out(_datasets(file, h5py.Dataset))
        yield WeightsFile("Keras HDF5", kernels, biases, family, "HWIO", CAFFE)


def _refuse_theano(group: Any) -> None:
    # Keras writes text of fixed length here. The other kind, of variable length, can
    # send HDF5 into an endless loop in a damaged file, so it is not looked at.
    if "backend" not in group.attrs or group.attrs.get_id("backend").dtype.kind != "S":
        return
    if group.attrs["backend"] == b"theano":
        raise WeightsError(
            "these weights are for Keras's Theano backend, whose kernels are flipped; "
            "use the file with tf_kernels in its name"
        )


def _datasets(file: Any, kind: type) -> dict[str, LazyTensor]:
    """All datasets by path, but for those that an optimiser keeps."""
    found: dict[str, LazyTensor] = {}
    seen = 0

    def visit(name: str, item: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if name == "model_weights":
            _refuse_theano(item)
        if isinstance(item, kind) and not name.startswith("optimizer"):
            found[name] = _tensor(item)
        return True if seen > _MAX_OBJECTS else None

    _refuse_theano(file)
    # Links to other files are not followed by visititems.
    if file.visititems(visit):
        raise WeightsError(f"holds more than {_MAX_OBJECTS} objects")
    return found


def _tensor(dataset: Any) -> LazyTensor:
    def read() -> NDArray[Any]:
        # Both kinds of dataset take their values from other files.
        if dataset.is_virtual or dataset.external:
            raise WeightsError(f"{dataset.name!r} keeps its values in another file")
        if dataset.chunks and np.prod(dataset.chunks, dtype=float) > _MAX_CHUNK:
            raise WeightsError(f"{dataset.name!r} is packed in too large pieces")
        if dataset.dtype.kind != "f":
            raise WeightsError(f"{dataset.name!r} holds no floating point values")
        values: NDArray[Any] = dataset[...]
        return values

    return LazyTensor(dataset.shape or (), read)
