"""Recognises the format of a file by its content and chooses its reader."""

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from ..errors import WeightsError
from .archives import open_zip
from .arrays import open_npz, open_safetensors
from .hdf5 import open_hdf5
from .matconvnet import open_matconvnet
from .onnx_zoo import open_onnx
from .tensors import WeightsFile
from .torch_pickle import LEGACY_MAGIC, open_torch_legacy, open_torch_zip

Reader = Callable[[Path], AbstractContextManager[WeightsFile]]

_MAX_BYTES: Final = 2**32
_HEAD_BYTES: Final = 512
_EXPECTED: Final = (
    "expected weights of VGG19: Keras .h5, PyTorch .pth, MatConvNet .mat, .onnx, .npz "
    "or .safetensors"
)
_TAR_MAGIC: Final = b"ustar"
_TAR_OFFSET: Final = 257

#: What people take for weights now and then, and what to do instead.
_MISTAKEN: Final = (
    (b"version https://git-lfs", "a Git LFS pointer; run: git lfs pull"),
    (b"<", "a web page or XML; download it again"),
    (b"MATLAB 7.3", "a MATLAB 7.3 file; save it again with -v7"),
    (b"\x93NUMPY", "a single NumPy array; use an .npz with one array per tensor"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"\x80", "a pickle that PyTorch did not write, and is not executed"),
)


def open_weights(path: Path) -> AbstractContextManager[WeightsFile]:
    """Open a file of weights with the reader that its content asks for.

    Raises:
        WeightsError: There is no such file, or it is in none of the formats.
    """
    _check_file(path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return _recognise(path, head)(path)


def _check_file(path: Path) -> None:
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


def _recognise(path: Path, head: bytes) -> Reader:
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return open_hdf5
    if head.startswith(b"PK\x03\x04"):
        return _recognise_archive(path)
    if head.startswith(b"\x80") and LEGACY_MAGIC in head[:32]:
        return open_torch_legacy
    if head.startswith(b"MATLAB 5.0") and head[126:128] in (b"IM", b"MI"):
        return open_matconvnet
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return open_safetensors
    _refuse_mistaken(head)
    # A protocol buffer has no magic number, but ONNX's version comes first.
    if path.suffix.lower() == ".onnx" or (head[0] == 8 and 3 <= head[1] < 32):
        return open_onnx
    raise WeightsError(f"not recognised, it begins with {head[:8]!r}; {_EXPECTED}")


def _recognise_archive(path: Path) -> Reader:
    with open_zip(path) as archive:
        names = archive.namelist()
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return open_torch_zip
    if any(name.endswith(".npy") for name in names):
        return open_npz
    if "model.weights.h5" in names:
        raise WeightsError("a whole Keras model; unzip it and use its model.weights.h5")
    raise WeightsError(f"a zip archive of something else; {_EXPECTED}")


def _refuse_mistaken(head: bytes) -> None:
    if head[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        raise WeightsError(
            "a tar archive; if PyTorch before 0.1.10 wrote it, load and save it again"
        )
    for beginning, advice in _MISTAKEN:
        if head.startswith(beginning):
            raise WeightsError(f"it is {advice}; {_EXPECTED}")
