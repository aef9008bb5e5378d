"""Defines what every reader returns: tensors by name, with shapes, not yet read.

A shape that is not VGG19's is thus refused before any value is loaded, and the 500 MB
of the classifier are never read.
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
    """The tool whose naming the tensors of a file follow."""

    CAFFE = "Caffe"
    TORCHVISION = "torchvision"
    GLUON = "Gluon"
    KERAS = "Keras"


@dataclass(frozen=True)
class LazyTensor:
    """A tensor of a file: its shape, and a function that reads its values."""

    shape: tuple[int, ...]
    read: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class WeightsFile:
    """The convolutions of an open file, as the file has them.

    Attributes:
        source: Format and naming, for messages and metadata.
        kernels: Layer, such as ``conv1_1`` → kernel.
        biases: Layer → bias.
        family: The naming that its tensors follow, or None.
        layout: Axes of the kernels, ``OIHW`` or ``HWIO``; empty if the shape decides.
        stated: Preprocessing that the format or the file states, or None.
        order: Order of conv1_1's input channels if the format fixes it, or None.
        mean: Mean colour in RGB, grey levels, if the file holds it, or None.
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


def check_float(what: str, dtype: Any) -> None:
    """Check that a tensor holds floating-point numbers.

    Raises:
        WeightsError: It does not; the message calls it `what`.
    """
    if dtype.kind != "f":
        raise WeightsError(f"{what} holds {dtype} values, expected floating point")


def require_finite(what: str, values: NDArray[Any]) -> None:
    """Check that all values are finite.

    Raises:
        WeightsError: They are not; the message calls them `what`.
    """
    if not np.isfinite(values).all():
        raise WeightsError(f"{what} holds NaN or infinite values (as float32)")


def widen_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Convert bfloat16 `bits`, each the upper half of a float32, to float32."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
