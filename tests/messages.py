"""Every message that `tests.support.bad_arguments` provokes, in one list to read.

``python -m tests.messages`` runs each command in a folder of broken files and prints
its name, what was typed, and what was answered.
"""

import contextlib
import io
import os
import tempfile
from pathlib import Path
from unittest import mock

from export import build_model
from lightstyle import model_folder
from lightstyle.cli.app import main as lightstyle
from lightstyle.zoo import registry
from tests.support.bad_arguments import CASES
from tests.support.networks import save_foreign, tiny_weights
from tests.support.wrecks import make_wrecks


def answer(arguments: list[str]) -> str:
    """What a command prints on stderr."""
    with io.StringIO() as printed:
        with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
            lightstyle(arguments)
        return printed.getvalue().strip()


def main() -> None:
    """Print the list."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        model, foreign, wrecks = root / "tiny.onnx", root / "relu.onnx", root / "wrecks"
        build_model(tiny_weights(), model)
        save_foreign(foreign)
        wrecks.mkdir()
        make_wrecks(wrecks, model, foreign)
        os.chdir(wrecks)
        os.environ[registry.MODEL_VARIABLE] = str(wrecks / "tiny.onnx")
        os.environ[model_folder.CACHE_VARIABLE] = str(wrecks / "cache")
        for name, (arguments, code, _) in CASES.items():
            without = name == "model without a layer"
            exporters = () if without else registry._EXPORTERS
            with mock.patch.object(registry, "_EXPORTERS", exporters):
                said = answer(arguments)
            print(f"{name} ({code:d})\n  $ {' '.join(arguments)}\n  {said}")
        os.chdir("/")


if __name__ == "__main__":
    main()
