"""Evaluates a picture in bands on many workers: the very loss of one machine.

A band has as many lines of its neighbours beside its own as the network sees, forward
and backward (`engine.bands`). So an evaluation takes two round trips: pixels out and
sums over positions back; the gradients of those sums out, and of the band's own pixels
back. Sums are added in float64, in the order of the bands, so it does not matter which
worker has which; they become style losses once, here.

The other way is to exchange lines at the edges of bands between the blocks: ten round
trips, in which each waits for its neighbours, for less that is computed twice. On two
workers at 2048 lines, VGG19's margins take 10 % more arithmetic than the picture alone,
and exchanged lines would take 3 %; as many bytes move, because 192 lines of a picture
are about as many values as some lines of each block. With margins, a worker knows
nothing of the others. If one is lost, its band goes to another, and the evaluation is
repeated, with the same loss to the last bit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeVar

import numpy as np

from .. import contract
from ..arrays import FloatArray
from ..engine.bands import Band, Reach, bands
from ..engine.heads import Heads
from ..engine.strips import Tiling, at
from ..engine.sweeps import CONTENT_TARGET
from ..errors import ClusterError
from .band_crew import DEATHS, BandCrew, WorkerHandle, WorkerLostError
from .band_worker import block_of
from .inventory import Inventory
from .spread import Source, Spread

_GUIDE: Final = "guide/"

_Found = TypeVar("_Found")


class BandedModel:
    """Evaluates pictures in bands; see `engine.tiled.Parts`.

    Attributes:
        moved: Bytes of arrays that were sent and received so far.
    """

    def __init__(self, heads: Heads, layers: Iterable[str], crew: BandCrew) -> None:
        """Use the workers of `crew`.

        Args:
            heads: What becomes of the sums over all bands.
            layers: The model's layers with losses.
            crew: The workers.
        """
        self._heads, self._crew = heads, crew
        self._reach = Reach.of(layers)
        self._inventory = Inventory()
        self._turns = count(1)
        self.moved = 0

    def targets(
        self,
        image: FloatArray,
        tiling: Tiling,
        guides: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """As `Parts`; the features stay with the workers until they are looked at."""
        guides, source = guides or {}, self._inventory.source(image, tiling)
        given = {name: guides[name] for name in guides if name.startswith(_GUIDE)}
        answers = self._persistently(lambda: self._features(source, given))
        size = image.shape[2:]
        sums = _added([each for each, _ in answers])
        made: dict[str, Any] = self._heads.targets(
            sums, size, image.dtype, guided=bool(guides)
        )
        for name, (channels, _) in answers[0][1].items():
            smaller = block_of(name) - 1
            shape = (1, channels, *(side >> smaller for side in size))
            total = sum(told[name][1] for _, told in answers)
            made[name] = Spread(source, name, shape, total, self._gathered)
        return made

    def evaluate(
        self, image: FloatArray, feeds: Mapping[str, FloatArray], tiling: Tiling
    ) -> dict[str, FloatArray]:
        """As `Parts`."""
        return self._persistently(lambda: self._evaluated(image, feeds, tiling))

    def _evaluated(
        self, image: FloatArray, feeds: Mapping[str, FloatArray], tiling: Tiling
    ) -> dict[str, FloatArray]:
        lined = {name: feeds[name] for name in feeds if _has_lines(name)}
        cuts = self._placed(image, tiling)
        self._inventory.forget()
        tokens = {name: self._inventory.token(feed) for name, feed in lined.items()}
        for worker, band in cuts:
            for name, feed in lined.items():
                self._provide(worker, band, name, feed, tokens[name])
        turn = next(self._turns)
        calls = [
            self._begin(
                *(worker, "forward", band, tiling),
                *(_lines(image, band), tokens, turn),
            )
            for worker, band in cuts
        ]
        sums = _added(self._ended(calls))
        made = self._heads.losses(sums, image.shape[2:], feeds)
        seeds = {n: v for n, v in made.items() if n.startswith("gradient/")}
        seeds |= {name: feeds[name] for name in feeds if "_weight" in name}
        shared = self._crew.share(seeds)
        self.moved += len(cuts) * _bytes(seeds)
        calls = [
            self._begin(worker, "backward", band, tiling, tokens, shared)
            for worker, band in cuts
        ]
        outputs = {name: made[name] for name in made if "_loss/" in name}
        gradient = np.empty_like(image)
        for (_, band), answer in zip(cuts, self._ended(calls), strict=True):
            own = answer.pop(contract.GRADIENT)
            at(gradient, band.axis, slice(band.first, band.last))[...] = own
            for name, value in answer.items():
                outputs[name] = outputs.get(name, np.zeros(())) + value
        return outputs | {contract.GRADIENT: gradient}

    def _features(
        self, source: Source, guides: Mapping[str, FloatArray]
    ) -> list[tuple[dict[str, FloatArray], dict[str, tuple[int, float]]]]:
        """Have the features of a picture computed; returns what workers say of them."""
        cuts = self._placed(source.image, source.tiling)
        self._inventory.forget()
        calls = [self._compute(worker, band, source, guides) for worker, band in cuts]
        answers = self._ended(calls)
        for worker, band in cuts:
            self._inventory.by(worker).add((source.token, band.first, ""))
        return answers

    def _compute(
        self,
        worker: WorkerHandle,
        band: Band,
        source: Source,
        guides: Mapping[str, FloatArray],
    ) -> tuple[WorkerHandle, Any]:
        lines = {
            name: _lines(guide, band, block_of(name)) for name, guide in guides.items()
        }
        pixels = _lines(source.image, band)
        return self._begin(
            worker, "features", band, source.tiling, pixels, source.token, lines
        )

    def _provide(
        self, worker: WorkerHandle, band: Band, name: str, feed: Any, token: int
    ) -> None:
        """Give a worker a feed's lines of a band, unless it has them."""
        computed = isinstance(feed, Spread)
        key = (token, band.first, "" if computed else name)
        known = self._inventory.by(worker)
        if key in known:
            return
        if computed:
            call = self._compute(worker, band, feed.source, {})
        else:
            lines = _lines(feed, band, block_of(name))
            call = self._begin(worker, "hold", band, token, name, lines)
        self._ended([call])
        known.add(key)

    def _gathered(self, spread: Spread) -> FloatArray:
        """Return features as an array."""
        source = spread.source

        def gather() -> FloatArray:
            whole = np.empty(spread.shape, source.image.dtype)
            cuts = self._placed(source.image, source.tiling)
            for worker, band in cuts:
                self._provide(worker, band, spread.name, spread, source.token)
            calls = [
                self._begin(worker, "own", band, source.token, spread.name)
                for worker, band in cuts
            ]
            smaller = block_of(spread.name) - 1
            for (_, band), own in zip(cuts, self._ended(calls), strict=True):
                lines = slice(band.first >> smaller, band.last >> smaller)
                at(whole, band.axis, lines)[...] = own
            return whole

        return self._persistently(gather)

    def _persistently(self, step: Callable[[], _Found]) -> _Found:
        """Repeat a step until no worker is lost in it.

        Raises:
            ClusterError: All workers were lost, which may be the end of one machine,
                and then as many as may be at any task.
        """
        most = len(self._crew.workers()) + DEATHS
        for _ in range(most):
            try:
                return step()
            except WorkerLostError as error:
                self._inventory.lose(error.worker)
                self._crew.lost(error.worker)
        raise ClusterError(
            f"{most} workers in a row died at the same evaluation, perhaps for lack of "
            "memory: lower --memory, or choose a smaller --size"
        )

    def _placed(
        self, image: FloatArray, tiling: Tiling
    ) -> list[tuple[WorkerHandle, Band]]:
        """Return the bands of a picture, each with the worker that has it."""
        workers = self._crew.workers()
        height, width = image.shape[2:]
        cuts = bands((width, height), tiling.bands, self._reach)
        return [(workers[n % len(workers)], band) for n, band in enumerate(cuts)]

    def _begin(
        self, worker: WorkerHandle, method: str, *arguments: Any
    ) -> tuple[WorkerHandle, Any]:
        self.moved += _bytes(arguments)
        return worker, worker.start(method, *arguments)

    def _ended(self, calls: Sequence[tuple[WorkerHandle, Any]]) -> list[Any]:
        found = [worker.result(call) for worker, call in calls]
        self.moved += _bytes(found)
        return found


def _has_lines(name: str) -> bool:
    return name.startswith((CONTENT_TARGET, _GUIDE))


def _lines(values: FloatArray, band: Band, number: int = 1) -> FloatArray:
    """Return a copy of the lines that a band is computed from."""
    return np.ascontiguousarray(at(values, band.axis, band.lines(number)))


def _added(sums: Sequence[Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """Add the sums of all bands, in their order."""
    return {
        name: sum((each[name] for each in sums[1:]), sums[0][name]) for name in sums[0]
    }


def _bytes(value: Any) -> int:
    """Return the bytes of all arrays in a value."""
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value))
    return value.nbytes if isinstance(value, np.ndarray) else 0
