"""What a pickle of PyTorch's may build: descriptions of tensors, and dictionaries.

A pickle names functions and calls them. Those that a state dict needs are in `CALLS`,
as functions that check their arguments and return a description; there are no others.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import WeightsError

_MAX_AXES: Final = 8

#: The type of storage whose values NumPy has no name for.
BFLOAT16: Final = "torch BFloat16Storage"

#: The types of storages, and their values; those of bfloat16 as bits.
DTYPES: Final = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    BFLOAT16: "<u2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
    "torch BoolStorage": "?",
}


@dataclass(frozen=True)
class Storage:
    """A run of values somewhere in the file: its key, a key of `DTYPES`, its count."""

    key: str
    type: str
    count: int


@dataclass(frozen=True)
class TensorView:
    """A tensor as a view of a storage; all numbers count values, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """How many values of the storage it spans."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((n - 1) * stride for n, stride in steps)


@dataclass(frozen=True)
class Name:
    """A name that the program looked up, such as ``torch FloatStorage``."""

    name: str


def plain_key(key: Any) -> str | int:
    """`key` if it can be hashed in no time.

    Raises:
        WeightsError: It is neither a string nor a number.
    """
    if not isinstance(key, (str, int)):
        raise WeightsError(f"its pickle has a {type(key).__name__} as a key")
    return key


def describe_storage(
    tag: Any, kind: Any, key: Any, _location: Any, count: Any, view: Any = None
) -> Storage:
    """The storage that a persistent id refers to.

    Raises:
        WeightsError: It refers to something else, or to a part of another storage.
    """
    known = tag == "storage" and isinstance(kind, Name) and isinstance(key, str)
    if not known or kind.name not in DTYPES or not _is_count(count):
        raise WeightsError("it refers to something other than the values of a tensor")
    if view is not None:
        raise WeightsError("it holds views of storages; save clones of its tensors")
    return Storage(key, kind.name, count)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorView:
    sound = isinstance(storage, Storage) and _is_count(offset)
    if not sound or not _are_counts(shape) or not _are_counts(strides):
        raise WeightsError("its description of a tensor makes no sense")
    view = TensorView(storage, offset, shape, strides)
    if offset + view.extent > storage.count:
        raise WeightsError(
            f"a tensor of shape {shape} and strides {strides} at {offset} lies outside "
            f"its storage of {storage.count} values"
        )
    if view.extent > math.prod(shape):
        raise WeightsError(
            f"a tensor of shape {shape} is scattered; save a clone of it"
        )
    return view


def _are_counts(value: Any) -> bool:
    short = isinstance(value, tuple) and len(value) <= _MAX_AXES
    return short and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48


def _dictionary(pairs: Any = None) -> dict[Any, Any]:
    # Python 2 hands over the items at once, Python 3 sets them one by one. The list is
    # emptied, so that no program can turn one list into a thousand dictionaries.
    if pairs is None:
        return {}
    if not isinstance(pairs, list):
        raise WeightsError("its dictionary is not made of a list of items")
    items = {plain_key(key): value for key, value in pairs}
    pairs.clear()
    return items


def _parameter(tensor: Any = None, *_: Any) -> TensorView:
    if not isinstance(tensor, TensorView):
        raise WeightsError("it holds a parameter that is no tensor")
    return tensor


CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "collections OrderedDict": _dictionary,
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch.nn.parameter Parameter": _parameter,
}
