"""Reads the HDF5 files of Keras 1, 2 and 3: `.h5`, with or without the classifier.

Kernels are (3, 3, in, out) for cross-correlation, as in TensorFlow, and the network
needs Caffe's preprocessing. A file of Keras's Theano backend has flipped kernels and is
refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .naming import sort_out
from .preprocessing import CAFFE
from .tensors import LazyTensor, WeightsFile, check_float, require

_MAX_OBJECTS: Final = 10_000
_MAX_CHUNK: Final = 2**23  # values that HDF5 may unpack at a time; a kernel has 2.4e6


@contextmanager
def open_hdf5(path: Path) -> Iterator[WeightsFile]:
    """Open weights that Keras saved.

    Raises:
        WeightsError: h5py is missing, or the file does not hold VGG19.
    """
    h5py = require("h5py")
    with h5py.File(path, "r") as file:
        named = sort_out(_datasets(file, h5py.Dataset), "Keras HDF5", "HWIO")
        yield replace(named, stated=CAFFE)


def _refuse_theano(group: Any) -> None:
    # Keras writes text of fixed length here. Text of variable length is not read,
    # because in a damaged file it can send HDF5 into an endless loop.
    if "backend" not in group.attrs or group.attrs.get_id("backend").dtype.kind != "S":
        return
    if group.attrs["backend"] == b"theano":
        raise WeightsError(
            "these weights are for Keras's Theano backend, whose kernels are flipped; "
            "use the file with tf_kernels in its name"
        )


def _datasets(file: Any, kind: type) -> dict[str, LazyTensor]:
    """Return all datasets by path, except those of an optimiser."""
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
        raise WeightsError(f"it holds more than {_MAX_OBJECTS} objects")
    return found


def _tensor(dataset: Any) -> LazyTensor:
    def read() -> NDArray[Any]:
        # Both kinds of dataset read their values from other files.
        if dataset.is_virtual or dataset.external:
            raise WeightsError(f"{dataset.name!r} keeps its values in another file")
        if dataset.chunks and np.prod(dataset.chunks, dtype=float) > _MAX_CHUNK:
            raise WeightsError(
                f"{dataset.name!r} has chunks of more than {_MAX_CHUNK} values"
            )
        check_float(repr(dataset.name), dataset.dtype)
        values: NDArray[Any] = dataset[...]
        return values

    return LazyTensor(dataset.shape or (), read)
