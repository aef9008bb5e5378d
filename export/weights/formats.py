"""Recognises the format of a file by its content and chooses its reader."""

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import WeightsError
from .archives import open_zip
from .hdf5 import open_hdf5
from .matconvnet import open_matconvnet
from .npz import open_npz
from .onnx_zoo import open_onnx
from .safetensors import open_safetensors
from .tensors import WeightsFile
from .torch_pickle import LEGACY_MAGIC, open_torch_legacy, open_torch_zip

_MAX_BYTES: Final = 2**32
_HEAD_BYTES: Final = 512
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True)
class Glance:
    """What recognisers may look at.

    Attributes:
        head: The first 512 bytes of the file.
        size: Its size in bytes.
        suffix: The end of its name, such as ``.onnx``.
        members: Names of its members, if it is a zip archive.
    """

    head: bytes
    size: int
    suffix: str
    members: tuple[str, ...]


_Recogniser = Callable[[Glance], bool]


@dataclass(frozen=True)
class Format:
    """A format of weights.

    Attributes:
        name: What users call it.
        recognises: Whether a file is in this format.
        open: Opens such a file and lists its tensors, without reading their values.
    """

    name: str
    recognises: _Recogniser
    open: Callable[[Path], AbstractContextManager[WeightsFile]]


def _begins(*beginnings: bytes) -> _Recogniser:
    return lambda file: file.head.startswith(beginnings)


def _holds(ending: str) -> _Recogniser:
    return lambda file: any(f"/{name}".endswith(ending) for name in file.members)


def _is_torch_legacy(file: Glance) -> bool:
    return file.head.startswith(b"\x80") and LEGACY_MAGIC in file.head[:32]


def _is_mat5(file: Glance) -> bool:
    known = file.head[126:128] in (b"IM", b"MI")
    return known and file.head.startswith(b"MATLAB 5.0")


def _is_safetensors(file: Glance) -> bool:
    length = int.from_bytes(file.head[:8], "little")
    return file.head[8:9] == b"{" and length < file.size


def _is_onnx(file: Glance) -> bool:
    # A protocol buffer has no magic number, but ONNX's version comes first.
    version = file.head[1:2] if file.head.startswith(b"\x08") else b""
    return file.suffix == ".onnx" or b"\x03" <= version < b"\x20"


#: The first that recognises a file reads it.
FORMATS: Final = (
    Format("Keras .h5", _begins(b"\x89HDF\r\n\x1a\n"), open_hdf5),
    Format("PyTorch .pth", _holds("/data.pkl"), open_torch_zip),
    Format("PyTorch .pth before 1.6", _is_torch_legacy, open_torch_legacy),
    Format("MatConvNet .mat", _is_mat5, open_matconvnet),
    Format("NumPy .npz", _holds(".npy"), open_npz),
    Format(".safetensors", _is_safetensors, open_safetensors),
    Format(".onnx", _is_onnx, open_onnx),
)

_EXPECTED: Final = f"expected weights of VGG19: {', '.join(f.name for f in FORMATS)}"

#: What is mistaken for weights now and then, and what to do.
_MISTAKEN: Final[tuple[tuple[_Recogniser, str], ...]] = (
    (_begins(b"version https://git-lfs"), "a Git LFS pointer; run: git lfs pull"),
    (_begins(b"<"), "a web page or XML; download it again"),
    (_begins(b"MATLAB 7.3"), "a MATLAB 7.3 file; save it again with -v7"),
    (_begins(b"\x93NUMPY"), "a single NumPy array; save named arrays as .npz"),
    (_begins(b"\x1f\x8b"), "compressed with gzip; unpack it first"),
    (
        lambda file: file.head.startswith(b"\x80") and not _is_torch_legacy(file),
        "a pickle that PyTorch did not write, and is not executed",
    ),
    (
        lambda file: file.head[257:].startswith(b"ustar"),
        "a tar archive; if PyTorch before 0.1.10 wrote it, load and save it again",
    ),
    (
        _holds("/model.weights.h5"),
        "a whole Keras model; unzip it and use its model.weights.h5",
    ),
)


def open_weights(path: Path) -> AbstractContextManager[WeightsFile]:
    """Open a file of weights with the reader of its format.

    Raises:
        WeightsError: There is no such file, or it is in none of `FORMATS`.
    """
    file = _glance(path)
    for mistaken, advice in _MISTAKEN:
        if mistaken(file):
            raise WeightsError(f"it is {advice}; {_EXPECTED}")
    for known in FORMATS:
        if known.recognises(file):
            return known.open(path)
    found = "a zip archive" if file.members else f"a file beginning {file.head[:8]!r}"
    raise WeightsError(f"it is {found} in none of the formats; {_EXPECTED}")


def _glance(path: Path) -> Glance:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise WeightsError(f"there is no such file; {_EXPECTED}") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise WeightsError(f"it is {kind}; {_EXPECTED}")
    if not 0 < status.st_size <= _MAX_BYTES:
        size = f"has {status.st_size} bytes" if status.st_size else "is empty"
        raise WeightsError(f"the file {size}; {_EXPECTED}")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    members: list[str] = []
    if head.startswith(_ZIP):
        with open_zip(path) as archive:
            members = archive.namelist()
    return Glance(head, status.st_size, path.suffix.lower(), tuple(members))
