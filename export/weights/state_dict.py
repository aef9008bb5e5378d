"""Loads the pickle of a PyTorch state dict without running anything in it.

A pickle is a program that may call whatever it can look up. `pickle.Unpickler` runs it
here, but all it can look up are the stand-ins in `_CLASSES`: they check their arguments
and describe a tensor. BUILD, which sets attributes, has no effect on them.

Three things the unpickler leaves open are refused by `_scan`, which reads the program
before it runs:

* Instructions that no state dict uses.
* A high slot of the memo, for which the unpickler would allocate all slots below.
* Tuples from the memo. Ninety of them, each holding the one before twice, have 2⁹⁰
  leaves, and to hash the last as a key would never end. Without them a tuple is no
  larger than its program, and their number bounds how deeply they are nested.
"""

import io
import math
import pickle
import pickletools
from dataclasses import dataclass
from typing import Any, Final

from ..errors import WeightsError

_MAX_INSTRUCTIONS: Final = 20_000  # VGG19 takes about 2000
_MAX_TUPLES: Final = 2_000  # VGG19 takes about 200
_MAX_AXES: Final = 8

#: The type of storage whose values NumPy has no name for.
BFLOAT16: Final = "BFloat16Storage"

#: Type of storage → dtype of its values; for bfloat16, of its bits.
DTYPES: Final = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    BFLOAT16: "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

_TUPLES: Final = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
_PUTS: Final = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS: Final = {"BINGET", "LONG_BINGET"}
#: Instructions whose results may be fetched from the memo.
_SHARED: Final = {
    *("SHORT_BINSTRING", "BINSTRING", "SHORT_BINUNICODE", "BINUNICODE"),
    *("EMPTY_DICT", "EMPTY_LIST", "GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ"),
}
_OTHERS: Final = {
    *("PROTO", "FRAME", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE", "EMPTY_TUPLE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINPERSID", "BUILD"),
    *("SETITEM", "SETITEMS", "APPEND", "APPENDS"),
}
_INSTRUCTIONS: Final = _TUPLES | _PUTS | _GETS | _SHARED | _OTHERS


class _StandIn:
    """An object, or a class, that a pickle cannot set attributes of."""

    @staticmethod
    def __setstate__(state: Any) -> None:
        """Ignore what BUILD brings: ``_metadata``, ``requires_grad``."""


@dataclass(frozen=True)
class StorageType(_StandIn):
    """A type of storage, such as ``FloatStorage``: a key of `DTYPES`."""

    name: str


@dataclass(frozen=True)
class Storage(_StandIn):
    """A run of values somewhere in the file: its key, its type, how many they are."""

    key: str
    type: str
    count: int


@dataclass(frozen=True)
class TensorView(_StandIn):
    """A tensor as a view of a storage; all numbers count values, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """The number of values of the storage that it spans."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((n - 1) * stride for n, stride in steps)


class _StateDict(_StandIn, dict[Any, Any]):
    """Stands in for OrderedDict."""

    def __init__(self, pairs: Any = None) -> None:
        # Python 2 passes the items here, Python 3 sets them one by one. The list is
        # emptied, so that no program can turn one list into a thousand dictionaries.
        if pairs is not None and not isinstance(pairs, list):
            raise WeightsError(
                "it makes a dictionary of something other than a list of items"
            )
        super().__init__(pairs or ())
        if pairs:
            pairs.clear()


class _Tensor(_StandIn):
    """Stands in for the functions that make a tensor of a storage."""

    def __new__(  # type: ignore[misc]  # as the function, it returns something else
        cls, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
    ) -> TensorView:
        sound = isinstance(storage, Storage) and _is_count(offset)
        if not sound or not _are_counts(shape) or not _are_counts(strides):
            raise WeightsError("its arguments of a tensor are invalid")
        view = TensorView(storage, offset, shape, strides)
        if offset + view.extent > storage.count:
            raise WeightsError(
                f"a tensor of shape {shape} and strides {strides} at {offset} lies "
                f"outside its storage of {storage.count} values"
            )
        if view.extent > math.prod(shape):
            raise WeightsError(
                f"a tensor of shape {shape} is scattered over its storage; save a "
                "clone of it"
            )
        return view


class _Parameter(_StandIn):
    """Stands in for Parameter, which is its tensor here."""

    def __new__(cls, tensor: Any = None, *_: Any) -> TensorView:  # type: ignore[misc]
        if not isinstance(tensor, TensorView):
            raise WeightsError("it holds a parameter that is no tensor")
        return tensor


_CLASSES: Final[dict[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): _StateDict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
    ("torch.nn.parameter", "Parameter"): _Parameter,
    **{("torch", name): StorageType(name) for name in DTYPES},
}


def load(stream: io.BytesIO) -> Any:
    """Load the pickle at the position of `stream`, and stop behind it.

    Returns:
        What it builds out of dictionaries, lists, tuples, strings, numbers, `Storage`
        and `TensorView`.

    Raises:
        WeightsError: The pickle needs more than a state dict does.
    """
    start = stream.tell()
    _scan(stream)
    program = stream.getvalue()[start : stream.tell()]
    return _Unpickler(io.BytesIO(program), fix_imports=False, encoding="latin-1").load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _CLASSES:
            raise WeightsError(
                f"it refers to {f'{module} {name}'!r}, which no state dict needs and "
                "which is not executed; save model.state_dict() instead of the model"
            )
        return _CLASSES[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        match pid:
            case ("storage", StorageType(kind), str(key), _, count, *view):
                if any(part is not None for part in view):
                    raise WeightsError(
                        "it holds views of storages; save clones of its tensors"
                    )
                if _is_count(count):
                    return Storage(key, kind, count)
        raise WeightsError("it refers to something other than the values of a tensor")


def _scan(stream: io.BytesIO) -> None:
    """Refuse a program that could exhaust memory or time, and stop behind it."""
    shared: dict[int | None, bool] = {}  # memo slot → whether it may be fetched
    tuples, previous = 0, ""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        name = opcode.name
        tuples += name in _TUPLES
        if name not in _INSTRUCTIONS:
            raise WeightsError(f"its pickle uses {name}, which no state dict does")
        if count >= _MAX_INSTRUCTIONS or tuples > _MAX_TUPLES:
            raise WeightsError(
                f"its pickle has more than {count} instructions or {_MAX_TUPLES} tuples"
            )
        if name in _PUTS:
            slot = len(shared) if argument is None else argument
            if slot >= _MAX_INSTRUCTIONS:
                raise WeightsError(f"its pickle uses slot {slot} of its memo")
            shared[slot] = previous in _SHARED
        if name in _GETS and not shared.get(argument):
            raise WeightsError(
                "its pickle uses a tuple twice, which no state dict does"
            )
        previous = name


def _are_counts(value: Any) -> bool:
    short = isinstance(value, tuple) and len(value) <= _MAX_AXES
    return short and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48
