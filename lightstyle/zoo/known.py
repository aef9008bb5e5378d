"""The official weights of VGG19: where they are and how to know them.

Of neither file is a full SHA-256 published by those who publish the file. Keras states
an MD5 in its source; torchvision states the first eight digits of a SHA-256 in the
file's name. That is what is checked here, and the size, and then, by the exporter, the
name, shape and finiteness of every tensor that it takes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .. import contract
from ..digest import Expected
from ..engine.graphs import check_files
from ..engine.model import Model
from ..engine.providers import HOST
from ..errors import ModelError, UsageError
from . import registry


@dataclass(frozen=True)
class Known:
    """Weights that somebody publishes.

    Attributes:
        name: Of the weights, and of the model made of them.
        what: For people to choose by.
        licence: Of the weights, and whose they are.
        mirrors: URLs of the file, to be tried in this order.
        expected: The file's size and digest.
    """

    name: str
    what: str
    licence: str
    mirrors: tuple[str, ...]
    expected: Expected

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        file = urlsplit(self.mirrors[0]).path.rpartition("/")[2]
        return contract.cache_folder() / "weights" / file


#: Of the original VGG19, and of what is derived from it.
ORIGINAL_LICENCE: Final = "CC BY 4.0, Simonyan and Zisserman"

_KERAS: Final = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"

KNOWN: Final = {
    entry.name: entry
    for entry in (
        Known(
            contract.DEFAULT_MODEL,
            "the original VGG19 as Keras has it, without the classifier",
            ORIGINAL_LICENCE,
            (
                f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{_KERAS}",
                f"https://github.com/fchollet/deep-learning-models/releases/download/v0.1/{_KERAS}",
            ),
            Expected(80_134_624, "md5", "253f8cb515780f3b799900260a226db6"),
        ),
        Known(
            f"{contract.DEFAULT_MODEL}-torchvision",
            "VGG19 as torchvision trained it, with the classifier",
            "BSD 3-Clause, torchvision",
            ("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",),
            Expected(574_673_361, "sha256", "dcbb9e9d"),
        ),
    )
}


def known(name: str) -> Known:
    """The weights called `name`.

    Raises:
        UsageError: There are none.
    """
    if name not in KNOWN:
        names = ", ".join(KNOWN)
        raise UsageError(f"no weights are called {name}, expected one of {names}")
    return KNOWN[name]


def verify(name: str | None) -> list[str]:
    """Check the model that `name` stands for, and the weights it was fetched with.

    Args:
        name: As `registry.find` takes it.

    Returns:
        A line about each of the two that is there.

    Raises:
        ModelError: There is no model, or one of the two is damaged.
        DeviceError: onnxruntime is not there to load it with.
    """
    path, lines = registry.find(name), []
    entry = KNOWN.get(path.stem) if path == registry.cached(path.stem) else None
    if entry is not None and entry.path.is_file():
        try:
            entry.expected.check(entry.path, f"weights {entry.path}")
        except ModelError as error:
            advice = f"`lightstyle models fetch {entry.name}` gets them again"
            raise ModelError(f"{error}: {advice}") from error
        lines.append(f"ok weights {entry.path}: {entry.expected}")
    check_files(path)
    info = Model.load(path, HOST.name).info
    return [*lines, f"ok model {path}: weights have SHA-256 {info.weights_digest}"]
