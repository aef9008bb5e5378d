"""A loaded model: what it was built with, targets of pictures, evaluations.

This is the run time's side of the contract; nothing else builds feeds or reads outputs.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from .. import contract
from ..arrays import Array
from ..errors import ModelError, UsageError
from ..settings.choices import Precision
from ..settings.scalars import checked, word
from ..settings.scalars import path as any_path
from ..step_contract import FREE
from .banding import Workers
from .choice import Choice
from .graphs import Graphs
from .guides import guides
from .memory import check_memory, resident
from .model_info import check_weights
from .plan import Planner
from .provider import Provider
from .resident import Resident
from .session import Feeds
from .strips import Tiling
from .threads import check_threads
from .tiled import Parts, TiledModel

#: Number of style pictures whose Gram matrices a model remembers, at most about 2 MB
#: each: enough for a folder in two styles and three sizes, with four levels each.
REMEMBERED: Final = 24


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The loss at a picture, term by term, and its gradient.

    Attributes:
        terms: Value of each term without its weight, by the contract's name
            (``style_loss/conv1_1``).
        gradient: Gradient of the weighted sum per grey level, (1, 3, H, W).
    """

    terms: dict[str, float]
    gradient: Array


class Model:
    """A loaded model. Several threads may use one at the same time.

    What it remembers of earlier runs, sessions for a size and Gram matrices, decides
    how fast the next run is, but not its result; every run keeps its own feeds.

    Attributes:
        info: What the model says about itself.
        device: Where it computes: ``cpu`` or another word for ``--device``.
        precision: What it computes in, ``float32`` or ``tf32``.
        threads: Threads of an evaluation on the CPU; None for as many as the process
            may use.
        memory: Bytes that a run may take; None for most of what is free.
        costs: Memory and work of the graphs; None if pictures cannot be cut.
        tiled: Evaluates pictures in strips, in this process.
        elsewhere: Evaluates them in bands on other machines; None without any.
        workers: Those machines.
    """

    def __init__(
        self, path: Path, provider: Provider, threads: int | None, memory: int | None
    ) -> None:
        """Use `Model.load` instead."""
        self.device, self.precision = provider.name, provider.precision
        self.threads = threads
        self.memory = memory
        self._in_place = provider.in_place
        self._graphs = Graphs(path, provider, threads)
        self.info = self._graphs.info
        check_weights(self.info)
        self.costs = self._graphs.costs
        self._held = resident()
        self._remembered: dict[Any, dict[str, Array]] = {}
        layers = self.info.content_layers, self.info.style_layers
        self.tiled = TiledModel(self._graphs.run_part, *layers)
        self.elsewhere: Parts | None = None
        self.workers: Workers | None = None

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "auto",
        threads: int | None = None,
        memory: int | None = None,
        precision: str = Precision.FLOAT32,
    ) -> Self:
        """Load the model at `path`.

        Args:
            path: The evaluation graph, such as ``vgg19.onnx``, with the model's other
                files beside it.
            device: ``cpu`` or another of `DEVICES`; ``auto`` is the fastest that works.
            threads: Threads of an evaluation on the CPU, at most one for each CPU that
                the process may use, as by default.
            memory: Bytes that the process may take for a run on the CPU; by default
                most of what is free.
            precision: ``float32``, or ``tf32`` on a device that has it.

        Raises:
            ModelError: If a file is missing, damaged, or not a model of this schema.
            DeviceError: If `device` was named and cannot be used.
            UsageError: If an argument is invalid.
        """
        path = Path(checked("path", any_path(), path))
        threads, memory = check_threads(threads), check_memory(memory)

        precision = checked("precision", word(Precision), precision)
        choice = Choice(
            lambda row: cls(path, row, threads, memory), path, threads, precision
        )
        return choice.load(device)

    def check_precision(self, wanted: str) -> None:
        """Refuse settings that ask for another precision.

        Raises:
            UsageError: If they do.
        """
        if self.precision != wanted:
            raise UsageError(
                f"precision is {wanted}, and the model computes in {self.precision}: "
                "load it with these settings, load_model(settings=...)"
            )

    def planner(self, pictures: int = 0, regions: int = 0) -> Planner:
        """Return a planner of pictures within the memory that there is.

        Args:
            pictures: Bytes of pictures that are held beside the run.
            regions: Number of regions with style targets of their own.
        """
        costs = self.costs and self.costs.of_regions(regions)
        workers = self.workers
        if workers is not None:
            workers = replace(workers, sums=max(1, regions) * workers.sums)
        return Planner(costs, self.memory, self._held + pictures, workers)

    def targets(
        self,
        pixels_nchw: Array,
        tiling: Tiling | None = None,
        mask: Array | None = None,
    ) -> dict[str, Array]:
        """Compute the targets that a picture would set.

        Args:
            pixels_nchw: The picture, (1, 3, H, W), 0…255.
            tiling: How to cut it into strips; None to compute it whole.
            mask: (H, W), how much each position counts in the Gram matrices; all count
                the same by default.

        Returns:
            Content features and Gram matrices by the name of their feed.

        Raises:
            ModelError: If ONNX Runtime fails, or the graph gives something else.
            TransferError: If there is not enough memory.
        """
        guiding = {} if mask is None else guides(mask[None])
        if tiling is not None:
            made = self._parts(tiling).targets(pixels_nchw, tiling, guiding)
        else:
            kind = contract.GUIDED if guiding else ""
            feeds = {contract.IMAGE: pixels_nchw, **guiding}
            made = self._graphs.run(kind + contract.TARGETS, feeds)
        for layer in self.info.content_layers:
            name, smaller = contract.content_target(layer), contract.block(layer) - 1
            height, width = (side >> smaller for side in pixels_nchw.shape[2:])
            channels = made[name].shape[1:2]
            self._check(name, made[name], (1, *channels, height, width))
        for layer in self.info.style_layers:
            name = contract.style_target(layer)
            square = 2 * (made[name].shape[-1:] or (1,))
            self._check(name, made[name], (1, *square) if guiding else square)
            if guiding:
                made[name] = made[name][0]
        return made

    def style_targets(
        self,
        pixels_nchw: Array,
        tiling: Tiling | None = None,
        mask: Array | None = None,
    ) -> dict[str, Array]:
        """Return the Gram matrices among `targets`, remembering the latest pictures."""
        given = [pixels_nchw] if mask is None else [pixels_nchw, mask]
        digests = [sha256(np.ascontiguousarray(each).data).digest() for each in given]
        key = (*digests, pixels_nchw.shape, repr(tiling))
        found = self._remembered.pop(key, None)
        if found is None:
            made = self.targets(pixels_nchw, tiling, mask)
            names = map(contract.style_target, self.info.style_layers)
            found = {name: made[name] for name in names}
        self._remembered[key] = found  # the latest of all now
        for old in list(self._remembered)[:-REMEMBERED]:
            self._remembered.pop(old, None)
        return found

    def evaluate(
        self, pixels_nchw: Array, feeds: Feeds, tiling: Tiling | None = None
    ) -> Evaluation:
        """Compute the loss terms of a picture and the gradient of their weighted sum.

        Args:
            pixels_nchw: The picture, (1, 3, H, W), 0…255.
            feeds: Targets and weights by name, and those of regions if there are any.
            tiling: How to cut the picture into strips; None to compute it whole.

        Raises:
            ModelError: If a feed is missing or ONNX Runtime fails.
            TransferError: If there is not enough memory.
        """
        if tiling is None:
            given = {contract.IMAGE: pixels_nchw, **feeds}
            kind = contract.GUIDED if contract.REGION_WEIGHT in feeds else ""
            outputs = self._graphs.run(kind + contract.EVALUATION, given)
        else:
            outputs = self._parts(tiling).evaluate(pixels_nchw, feeds, tiling)
        gradient = outputs.pop(contract.GRADIENT)
        for together in (contract.WEIGHTED_SUMS, contract.WEIGHTED_LOSSES):
            outputs.pop(together, None)  # the terms once more
        self._check_shape(contract.GRADIENT, gradient, pixels_nchw.shape)
        terms = {
            name: float(np.sum(partials, dtype=np.float64))
            for name, partials in outputs.items()
        }
        return Evaluation(terms, gradient)

    @property
    def keeps_pictures(self) -> bool:
        """Whether pictures stay on the device while they are optimised, as `resident`.

        The CPU gains nothing by it.
        """
        return self._graphs.keeps_pictures

    def resident(self, feeds: Feeds, free_hw: Array, pairs: int) -> Resident:
        """Return the evaluation and the optimiser's step for pictures on the device.

        Args:
            feeds: As for `evaluate`.
            free_hw: 1 where pixels may change, 0 where they stay, (H, W).
            pairs: Number of steps that the optimiser remembers.

        Raises:
            ModelError: If the model has no such graphs.
        """
        kind = contract.GUIDED if contract.REGION_WEIGHT in feeds else ""
        size, free = free_hw.shape, {FREE: free_hw[None, None]}
        return Resident(
            self._graphs.bound(kind + contract.EVALUATION, size, feeds),
            self._graphs.bound(contract.STEP, (*size, pairs + 1), free),
            contract.terms(self.info.content_layers, self.info.style_layers),
            in_place=self._in_place,
        )

    def _parts(self, tiling: Tiling) -> Parts:
        """Return what computes pictures that are cut like that."""
        if not tiling.bands:
            return self.tiled
        assert self.elsewhere is not None  # plans have no bands without it
        return self.elsewhere

    def _check(self, name: str, values: Array, shape: tuple[int, ...]) -> None:
        """Check the shape of an output, and that its values are finite."""
        self._check_shape(name, values, shape)
        with np.errstate(invalid="ignore"):  # where infinite values have both signs
            total = values.sum(dtype=np.float64)
        if not np.isfinite(total):
            raise ModelError(
                f"model {self.info.path} gives {name} with values that are not finite: "
                "make it again with `lightstyle export`"
            )

    def _check_shape(self, name: str, values: Array, shape: tuple[int, ...]) -> None:
        if values.shape != shape:
            raise ModelError(
                f"model {self.info.path} gives {name} of shape {values.shape}, "
                f"expected {shape}: make it again with `lightstyle export`"
            )
