"""Reads VGG19 weights, without the frameworks that wrote them.

    formats         the table of formats: how each is recognised and which reader it has
    hdf5, torch_pickle, matconvnet, onnx_zoo, npz, safetensors      one reader each
    state_dict      the pickle inside a file of PyTorch's
    mat5            MATLAB's container
    archives        zip archives with limits
    own             the weights of a model that this exporter wrote
    tensors         what every reader returns
    naming          names of tensors → names of layers
    preprocessing   BGR − mean or (RGB − mean) / std
    canonical       checks, and the one form that all weights are brought into
    embedding       from the features of a narrowed network to VGG19's

Weights come from the internet. Nothing in a file is executed, no other file is opened
because it says so, and the sizes it claims are checked before memory is allocated.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lightstyle.contract import CHANNELS

from ..errors import WeightsError
from .canonical import Weights, canonical_weights
from .embedding import Embedding
from .formats import open_weights
from .own import is_own, read_own
from .preprocessing import AUTO, check_choice

__all__ = ["Embedding", "Weights", "read_weights"]

_LONGEST_PROBLEM: Final = 300


def read_weights(
    path: Path, preprocessing: str = AUTO, channels: Mapping[str, int] = CHANNELS
) -> Weights:
    """Read VGG19 from a file of Keras, PyTorch, MatConvNet, ONNX, NumPy or safetensors.

    Args:
        path: The file. Its content decides how it is read, not its name.
        preprocessing: How pictures were prepared when the network was trained:
            ``caffe`` (BGR − mean), ``torchvision`` ((RGB − mean) / std), or ``auto`` to
            recognise it.
        channels: Layers to read, in order → number of channels.

    Returns:
        The kernels and biases of `channels` for a picture in RGB minus `Weights.mean`.

    Raises:
        WeightsError: The file is missing, damaged, hostile or not VGG19's, or its
            preprocessing is not recognised.
    """
    check_choice(preprocessing)
    with _blaming(path):
        if is_own(path):
            return read_own(path)
        with open_weights(path) as file, path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return canonical_weights(file, channels, preprocessing, digest)


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Turn any exception into a WeightsError of one line that names the file."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(_one_line(path, str(error))) from error.__cause__
    except Exception as error:
        # The libraries that parse these formats document no set of exceptions for
        # damaged input.
        what = "cannot be read" if isinstance(error, OSError) else "damaged"
        problem = f"{what} ({type(error).__name__}: {error})"
        raise WeightsError(_one_line(path, problem)) from error


def _one_line(path: Path, problem: str) -> str:
    words = " ".join(problem.split())[:_LONGEST_PROBLEM]
    line = f"{path}: {words}"
    return "".join(c if c.isprintable() else "?" for c in line)
