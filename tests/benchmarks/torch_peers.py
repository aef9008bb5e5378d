"""The same loss by PyTorch, at its best: the peers of the benchmarks.

Parameters are frozen, the network ends with the last layer used, ReLU works in place,
and only the picture gets a gradient. Four variants: eager NCHW, the channels-last
memory format, `torch.compile`, and autocast to bfloat16, whose losses and Gram matrices
stay in float32. Its loss is written from the equations, not taken from the exporter.
"""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightstyle import contract
from tests.benchmarks.ours import Evaluate
from tests.benchmarks.task import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    Array,
    Scene,
    Task,
    load_arrays,
    load_scene,
    save_arrays,
    term_weights,
)

VARIANTS: Final = ("eager", "channels-last", "compile", "bfloat16")

#: Pairs that the peers' L-BFGS remembers; it is PyTorch's default.
HISTORY: Final = 100


def installed() -> bool:
    """Whether there is a PyTorch."""
    return importlib.util.find_spec("torch") is not None


class Peer:
    """The loss on PyTorch, for one network, one pair of targets and one variant."""

    def __init__(
        self,
        network: Mapping[str, NDArray[Any]],
        variant: str = "eager",
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        """Take the arrays that `network_arrays` names."""
        import torch

        plain = variant == "eager"  # the others were faster with channels last
        self._order = torch.contiguous_format if plain else torch.channels_last
        self._autocast = variant == "bfloat16"
        self._device, self._dtype = device, getattr(torch, dtype)
        self._mean = self.tensor(network["mean"].reshape(1, 3, 1, 1))
        self._layers = {
            layer: (
                self.tensor(network[f"{layer}.weight"]),
                self.tensor(network[f"{layer}.bias"]),
            )
            for layer in used_layers()
        }
        self.loss = torch.compile(self._loss) if variant == "compile" else self._loss

    def tensor(self, array: NDArray[Any]) -> Any:
        """`array` on the device, in the memory format of the variant."""
        import torch

        tensor = torch.from_numpy(array).to(self._device, self._dtype)
        return (
            tensor.contiguous(memory_format=self._order) if array.ndim == 4 else tensor
        )

    def targets(self, scene: Scene) -> dict[str, Any]:
        """Content features and Gram matrices, by their names in the contract."""
        import torch

        with torch.no_grad():
            content = self._features(self.tensor(scene.content))[CONTENT_LAYER]
            style = self._features(self.tensor(scene.style))
            grams = {
                contract.style_target(layer): _gram(style[layer])
                for layer in STYLE_LAYERS
            }
        return {contract.content_target(CONTENT_LAYER): content, **grams}

    def _loss(self, pixels: Any, targets: Mapping[str, Any]) -> Any:
        from torch.nn.functional import mse_loss

        weights = term_weights(*pixels.shape[2:])
        features = self._features(pixels)
        target = targets[contract.content_target(CONTENT_LAYER)]
        weight = 0.5 * weights[contract.content_loss(CONTENT_LAYER)]
        loss = weight * mse_loss(features[CONTENT_LAYER], target, reduction="sum")
        for layer in STYLE_LAYERS:
            gram = _gram(features[layer])
            target = targets[contract.style_target(layer)]
            weight = weights[contract.style_loss(layer)]
            factor = weight / (4 * contract.CHANNELS[layer] ** 2)
            loss = loss + factor * mse_loss(gram, target, reduction="sum")
        return loss

    def _features(self, pixels: Any) -> dict[str, Any]:
        import torch
        from torch.nn.functional import conv2d, max_pool2d

        x = pixels - self._mean
        features = {}
        with torch.autocast("cpu", torch.bfloat16, enabled=self._autocast):
            for layer, (kernel, bias) in self._layers.items():
                if layer.endswith("_1") and layer != "conv1_1":
                    x = max_pool2d(x, 2)
                x = conv2d(x, kernel, bias, padding=1).relu_()
                if layer in (*STYLE_LAYERS, CONTENT_LAYER):
                    features[layer] = x
        if self._autocast:
            return {layer: feature.float() for layer, feature in features.items()}
        return features


def _gram(features: Any) -> Any:
    rows = features.reshape(features.shape[1], -1)
    return rows @ rows.T / rows.shape[1]


def used_layers() -> tuple[str, ...]:
    """The convolutions up to the last one that the loss looks at."""
    deepest = max(map(contract.LAYERS.index, (CONTENT_LAYER, *STYLE_LAYERS)))
    return contract.LAYERS[: deepest + 1]


def network_arrays(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those of an exporter's `Weights.tensors()` that a `Peer` takes."""
    parts = [
        f"{layer}.{part}" for layer in used_layers() for part in ("weight", "bias")
    ]
    return {name: tensors[name] for name in ("mean", *parts)}


def save_targets(network: Path, scene: Scene, path: Path) -> None:
    """Compute the targets in float32, and keep them."""
    targets = Peer(load_arrays(network)).targets(scene)
    save_arrays(path, {name: target.numpy() for name, target in targets.items()})


def reference(network: Path, scene: Scene) -> tuple[float, NDArray[np.float64]]:
    """Loss and gradient at the start, all of it in float64."""
    peer = Peer(load_arrays(network), dtype="float64")
    return evaluate(peer, peer.tensor(scene.start), peer.targets(scene))


def evaluator(task: Task, device: str = "cpu") -> Evaluate:
    """Evaluations at the start, targets from a file."""
    peer, start, targets = _prepared(task, device)
    return lambda: evaluate(peer, start, targets)


def _prepared(task: Task, device: str = "cpu") -> tuple[Peer, Any, dict[str, Any]]:
    import torch

    torch.set_num_threads(task.threads)
    peer = Peer(load_arrays(task.network), task.variant, device)
    targets = load_arrays(task.targets)
    start = peer.tensor(load_scene(task.scene).start)
    return peer, start, {name: peer.tensor(array) for name, array in targets.items()}


def evaluate(peer: Peer, start: Any, targets: Mapping[str, Any]) -> tuple[float, Any]:
    """Loss and gradient at `start`, a tensor (1, 3, H, W)."""
    import torch

    pixels = start.detach().requires_grad_()
    loss = peer.loss(pixels, targets)
    (gradient,) = torch.autograd.grad(loss, pixels)
    return float(loss.detach()), gradient.cpu().numpy()


def optimise(
    task: Task, turn: Callable[[float, Array], None], device: str = "cpu"
) -> str:
    """Run `torch.optim.LBFGS` with a step length of 1 and `HISTORY` pairs.

    All closure calls are in one `step`, since each further one would spend a call on
    the point where the last one ended. The loss is scaled for a first gradient of root
    mean square 1, by an evaluation that nobody counts: while it knows no curvature,
    PyTorch steps by the gradient itself, and at the scale of this loss runs diverged.

    `turn` is called before each call with the last loss and the picture as it is then,
    (1, 3, H, W) in 0…255 and beyond: that of a user who stops there.
    """
    import torch

    peer, start, targets = _prepared(task, device)
    _, gradient = evaluate(peer, start, targets)
    scale = 1 / float(np.sqrt(np.mean(np.square(gradient, dtype=np.float64))))
    pixels = start.clone().requires_grad_()
    limit = task.evaluations
    optimiser: Any = torch.optim.LBFGS(
        [pixels],
        lr=1,
        max_iter=limit,
        max_eval=limit,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
    )
    last = float("nan")

    def report() -> None:
        turn(last, pixels.detach().cpu().numpy())

    def closure() -> Any:
        nonlocal last
        report()
        optimiser.zero_grad()
        loss = scale * peer.loss(pixels, targets)
        loss.backward()
        last = float(loss.detach()) / scale
        return loss

    optimiser.step(closure)
    report()
    return "all closure calls were used, or the direction was no descent"
