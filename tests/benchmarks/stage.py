"""Prepares what contenders find ready: models, networks, pictures, targets."""

import hashlib
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from export import build_model
from export.weights import read_weights
from lightstyle.zoo import registry
from tests.benchmarks import machine, ours, torch_peers
from tests.benchmarks.task import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    Scene,
    Task,
    load_scene,
    save_arrays,
    save_scene,
)

#: As `tests.support.networks` has it, which imports pytest.
WEIGHTS_VARIABLE = "LIGHTSTYLE_TEST_WEIGHTS"


class Stage:
    """A folder of prepared files; everything in it is made when first asked for."""

    def __init__(self, folder: Path, weights: Path, threads: int) -> None:
        self.folder, self._weights, self._threads = folder, weights, threads
        self.bundled = registry.bundled()

    @property
    def vgg19(self) -> Path:
        """A model of the weights, with the layers of the loss and no others."""
        path = self.folder / "vgg19.onnx"
        if not path.exists():
            build_model(
                read_weights(self._weights),
                path,
                content_layers=[CONTENT_LAYER],
                style_layers=STYLE_LAYERS,
            )
        return path

    @property
    def network(self) -> Path:
        """The arrays of the weights that PyTorch needs."""
        path = self.folder / "network.npz"
        if not path.exists():
            tensors = read_weights(self._weights).tensors()
            save_arrays(path, torch_peers.network_arrays(tensors))
        return path

    def scene(self, name: str, scene: Scene) -> Path:
        """A file of `scene`, called `name`."""
        path = self.folder / f"scene-{name}.npz"
        if not path.exists():
            save_scene(path, scene)
        return path

    def ours(self, name: str, model: Path, scene: Path, evaluations: int = 0) -> Task:
        """A task of ours: `model` on the pictures in the file `scene`."""
        place = hashlib.sha256(str(model).encode()).hexdigest()[:16]
        targets = self.folder / f"{place}-{scene.name}"
        if not targets.exists() and not evaluations:
            ours.save_targets(model, load_scene(scene), targets)
        return Task(
            name=name,
            side="lightstyle",
            network=str(model),
            scene=str(scene),
            targets=str(targets),
            threads=self._threads,
            evaluations=evaluations,
        )

    def peer(self, variant: str, scene: Path, evaluations: int = 0) -> Task:
        """A task of PyTorch's."""
        targets = self.folder / f"torch-{scene.name}"
        if not targets.exists():
            torch_peers.save_targets(self.network, load_scene(scene), targets)
        return Task(
            name=f"PyTorch {variant}" + (" + step" if evaluations else ""),
            side="torch",
            network=str(self.network),
            scene=str(scene),
            targets=str(targets),
            threads=self._threads,
            variant=variant,
            evaluations=evaluations,
        )


def add_options(parser: ArgumentParser) -> None:
    """Options that all benchmarks with VGG19 share."""
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--threads", type=int, default=machine.threads())
    parser.add_argument("--json", type=Path, help="a file for all that was measured")


def of_options(options: Namespace, folder: Path) -> Stage:
    """The stage for the options that `add_options` added."""
    return Stage(folder, options.weights, options.threads)
