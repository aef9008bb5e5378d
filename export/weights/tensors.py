"""What every reader hands over: tensors that are named, sized and not yet read.

A reader lists the tensors of its file with their shapes and leaves the reading for
later, so that a shape that is not VGG19's is refused before a byte of it is loaded and
the 500 MB of the classifier are never touched.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError


class Family(StrEnum):
    """Whose names the tensors of a file bear."""

    CAFFE = "Caffe"
    TORCHVISION = "torchvision"
    GLUON = "Gluon"
    KERAS = "Keras"


@dataclass(frozen=True)
class LazyTensor:
    """A tensor of a file: its shape, known, and its values, read on demand."""

    shape: tuple[int, ...]
    read: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class WeightsFile:
    """The convolutions found in an open file, as the file has them.

    Attributes:
        source: Format and naming recognised, for people to read.
        kernels: Kernel of each layer, by names such as ``conv1_1``.
        biases: Bias of each layer.
        layout: Axes of the kernels, ``OIHW`` or ``HWIO``; empty if the shape decides.
        family: Whose names its tensors bear, or None.
        stated: Preprocessing that the format or the file states, or None.
        order: Order of conv1_1's input channels if the format fixes it, or None.
        mean: Mean picture value in RGB, grey levels, if the file holds it, or None.
    """

    source: str
    kernels: Mapping[str, LazyTensor]
    biases: Mapping[str, LazyTensor]
    family: Family | None
    layout: str = ""
    stated: str | None = None
    order: str | None = None
    mean: NDArray[np.float64] | None = None


def require(module: str) -> ModuleType:
    """Import an optional package.

    Raises:
        WeightsError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise WeightsError(
            f"reading this file needs the package {module}, which is not installed; "
            'run: pip install "lightstyle[export]"'
        ) from error


def widen_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The float32 values of bfloat16 `bits`: the upper half of a float32 each."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
