"""Lists the official weights of VGG19: where they are and how they are identified.

Neither publisher states a full SHA-256: Keras has an MD5 in its source, torchvision the
first eight digits of a SHA-256 in the file name. These and the size are checked here.
The exporter then checks the name, shape and finiteness of every tensor that it reads.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .. import model_folder
from ..digest import Expected
from ..engine.graphs import check_files
from ..engine.model import Model
from ..engine.providers import HOST
from ..errors import UsageError
from ..lookup import is_file
from . import registry


@dataclass(frozen=True)
class Known:
    """Published weights.

    Attributes:
        name: Name of the weights, and of the model built from them.
        what: Description for the user.
        licence: Licence of the weights and its holder.
        mirrors: URLs of the file, in the order in which they are tried.
        expected: Size and digest of the file.
    """

    name: str
    what: str
    licence: str
    mirrors: tuple[str, ...]
    expected: Expected

    @property
    def path(self) -> Path:
        """Path of the file in the cache folder."""
        file = urlsplit(self.mirrors[0]).path.rpartition("/")[2]
        return model_folder.cache_folder() / "weights" / file


#: Licence of the original VGG19 and of models derived from it.
ORIGINAL_LICENCE: Final = "CC BY 4.0, Simonyan and Zisserman"

_KERAS: Final = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"

KNOWN: Final = {
    entry.name: entry
    for entry in (
        Known(
            model_folder.DEFAULT_MODEL,
            "the original VGG19, as published by Keras, without the classifier",
            ORIGINAL_LICENCE,
            (
                f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{_KERAS}",
                f"https://github.com/fchollet/deep-learning-models/releases/download/v0.1/{_KERAS}",
            ),
            Expected(80_134_624, "md5", "253f8cb515780f3b799900260a226db6"),
        ),
        Known(
            f"{model_folder.DEFAULT_MODEL}-torchvision",
            "VGG19, as trained by torchvision, with the classifier",
            "BSD 3-Clause, torchvision",
            ("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",),
            Expected(574_673_361, "sha256", "dcbb9e9d"),
        ),
    )
}


def known(name: str) -> Known:
    """Return the weights called `name`.

    Raises:
        UsageError: If there are none.
    """
    if name not in KNOWN:
        names = ", ".join(KNOWN)
        raise UsageError(f"there are no weights called {name}, expected one of {names}")
    return KNOWN[name]


def verify(name: str | None) -> list[str]:
    """Check the model that `name` stands for, and the weights it was built from.

    Args:
        name: Name or path of a model, or None, as in `registry.find`.

    Returns:
        One line for each of the two that exists.

    Raises:
        ModelError: If there is no model, or one of the two is damaged.
        DeviceError: If onnxruntime is not installed.
    """
    path, lines = registry.find(name), []
    entry = KNOWN.get(path.stem) if path == registry.cached(path.stem) else None
    if entry is not None and is_file(entry.path):
        advice = f": fetch them again with `lightstyle models fetch {entry.name}`"
        entry.expected.check(entry.path, f"weights {entry.path}", advice)
        lines.append(f"ok weights {entry.path}: {entry.expected}")
    check_files(path)
    info = Model.load(path, HOST.name).info
    return [*lines, f"ok model {path}: weights have SHA-256 {info.weights_digest}"]
