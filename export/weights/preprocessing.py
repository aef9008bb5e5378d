"""Decides how pictures were prepared in training: channel order, mean and scale.

    caffe         BGR − mean, grey levels 0…255
    torchvision   (RGB / 255 − mean) / std

Some formats state it, and names of tensors suggest it. Names can mislead: Oxford's
weights, trained in Caffe, are also distributed under torchvision's names (the
`vgg19-d01eb7cb.pth` of neural-style ports) and in formats without a convention. They
are one fixed set of numbers, so a few values identify them and their channel order.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .tensors import Family, WeightsFile

AUTO: Final = "auto"
CAFFE: Final = "caffe"
TORCHVISION: Final = "torchvision"
CHOICES: Final = (AUTO, CAFFE, TORCHVISION)

#: Name of the array or metadata entry by which a file may state its preprocessing.
ENTRY: Final = "preprocessing"

BGR: Final = "BGR"
RGB: Final = "RGB"

_CAFFE_MEAN: Final = (123.68, 116.779, 103.939)
_TORCHVISION_MEAN: Final = (0.485, 0.456, 0.406)
_TORCHVISION_STD: Final = (0.229, 0.224, 0.225)

_BY_NAMES: Final[dict[Family | None, str]] = {
    Family.KERAS: CAFFE,
    Family.TORCHVISION: TORCHVISION,
    Family.GLUON: TORCHVISION,
}

#: The first biases of Oxford's conv1_1 and a corner of its first kernel in BGR.
_OXFORD_BIASES: Final = (0.73018, 0.06494, 0.03429, 0.82604)
_OXFORD_CORNER_BGR: Final = (0.34120, 0.46418, 0.39417)
_OXFORD_TOLERANCE: Final = 2e-3  # wide enough for half precision


@dataclass(frozen=True)
class Convention:
    """How pictures were prepared for a network.

    Attributes:
        name: ``caffe`` or ``torchvision``.
        order: Order of the input channels of conv1_1, ``RGB`` or ``BGR``.
        mean: (3,) RGB, grey levels, subtracted first.
        std: (3,) RGB, grey levels, the divisor afterwards; ones if there is none.
    """

    name: str
    order: str
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def check_choice(requested: str) -> None:
    """Refuse a preprocessing that does not exist.

    Raises:
        WeightsError: `requested` is none of `CHOICES`.
    """
    if requested not in CHOICES:
        expected = ", ".join(CHOICES)
        raise WeightsError(
            f"preprocessing {requested!r} is unknown; expected one of {expected}"
        )


def check_stated(stated: str | None) -> str | None:
    """Return what a file's own `ENTRY` states, or None if it has no such entry.

    Raises:
        WeightsError: It is neither ``caffe`` nor ``torchvision``.
    """
    if stated not in (None, CAFFE, TORCHVISION):
        raise WeightsError(
            f"its entry {ENTRY!r} is {stated!r}, expected {CAFFE!r} or {TORCHVISION!r}"
        )
    return stated


def decide(
    requested: str,
    file: WeightsFile,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> Convention:
    """Choose the convention of a file.

    Args:
        requested: One of `CHOICES`; any but ``auto`` decides.
        file: The open file.
        kernel: The kernel of conv1_1, (out, 3, 3, 3), as the file has it.
        bias: The bias of conv1_1, (out,).

    Raises:
        WeightsError: ``auto`` was requested and the preprocessing is not recognised.
    """
    oxford = _oxford_order(kernel, bias)
    name = requested
    if requested == AUTO:
        name = file.stated or (CAFFE if oxford else _BY_NAMES.get(file.family, ""))
    if name == CAFFE:
        mean = np.array(_CAFFE_MEAN) if file.mean is None else file.mean
        return Convention(CAFFE, file.order or oxford or BGR, mean, np.ones(3))
    if name == TORCHVISION:
        mean, std = np.array(_TORCHVISION_MEAN), np.array(_TORCHVISION_STD)
        return Convention(TORCHVISION, RGB, 255 * mean, 255 * std)
    raise WeightsError(
        f"the preprocessing of this file ({file.source}) is not recognised; give "
        "--preprocessing caffe (BGR − mean, 0…255) or --preprocessing torchvision "
        "((RGB − mean) / std)"
    )


def _oxford_order(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> str | None:
    count = len(_OXFORD_BIASES)
    if bias.size < count or not _near(bias[:count], _OXFORD_BIASES):
        return None
    corner = kernel[0, :, 0, 0]
    if _near(corner, _OXFORD_CORNER_BGR):
        return BGR
    return RGB if _near(corner[::-1], _OXFORD_CORNER_BGR) else None


def _near(values: NDArray[np.float32], expected: tuple[float, ...]) -> bool:
    return bool(np.allclose(values, expected, rtol=0, atol=_OXFORD_TOLERANCE))
