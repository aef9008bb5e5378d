"""What a worker does with the bands that it is given, and what it keeps of them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np

from .. import contract
from ..arrays import FloatArray
from ..engine.bands import Band
from ..engine.strips import REACH, Tiling, at
from ..engine.sweeps import CONTENT_TARGET, Forward
from ..engine.tiled import TiledModel

#: A picture's features, or a feed, by number; and a feed's name.
Tokens = Mapping[str, int]


#: Strips of a picture of the smallest size.
_WHOLE: Final = Tiling(*(dict.fromkeys(REACH, contract.MINIMUM_SIDE),) * 2)


class BandWorker:
    """Evaluates bands of pictures.

    What is the same at every evaluation is kept here, and known by a number: content
    targets and guides. So is a forward sweep until its backward sweep.
    """

    def __init__(self, tiled: TiledModel) -> None:
        """Use the graphs of `tiled`."""
        self._tiled = tiled
        self._kept: dict[tuple[int, int, str], FloatArray] = {}
        self._sweeps: dict[int, Forward] = {}
        self._turn = 0

    def sums(self) -> int:
        """Return the number of sums that a band gives, for each region."""
        image = np.zeros(
            (1, 3, contract.MINIMUM_SIDE, contract.MINIMUM_SIDE), np.float32
        )
        found = self._tiled.sweeps.forward(image, Band.whole(image), _WHOLE, {})
        return sum(each.size for each in found.sums.values())

    def echo(self, parcel: FloatArray) -> FloatArray:
        """Return what was sent, so that the time of it can be taken."""
        return parcel

    def features(
        self,
        band: Band,
        tiling: Tiling,
        lines: FloatArray,
        token: int,
        guides: Mapping[str, FloatArray],
    ) -> tuple[dict[str, FloatArray], dict[str, tuple[int, float]]]:
        """Compute and keep the content features of a band.

        Args:
            band: The band.
            tiling: How it is cut into strips.
            lines: Lines of the picture that it is computed from.
            token: Number under which the features are kept.
            guides: Weights of its positions in regions by feed, if there are any.

        Returns:
            The sums over its own positions; and of all features by name, the channels
            and the sum over those positions.
        """
        sweep = self._tiled.sweeps.forward(lines, band, tiling, guides, features=True)
        told = {}
        for name, values in sweep.features.items():
            self._kept[token, band.first, name] = values
            own = self._own(band, token, name)
            told[name] = (values.shape[1], float(own.sum(dtype=np.float64)))
        return sweep.sums, told

    def hold(self, band: Band, token: int, name: str, lines: FloatArray) -> None:
        """Keep the lines of a feed that a band is computed from."""
        self._kept[token, band.first, name] = lines

    def own(self, band: Band, token: int, name: str) -> FloatArray:
        """Return a band's own lines of features."""
        return np.ascontiguousarray(self._own(band, token, name))

    def drop(self, tokens: Collection[int]) -> None:
        """Forget features and feeds."""
        for key in [key for key in self._kept if key[0] in tokens]:
            del self._kept[key]

    def forward(
        self, band: Band, tiling: Tiling, lines: FloatArray, tokens: Tokens, turn: int
    ) -> dict[str, FloatArray]:
        """Return the sums over a band's own positions.

        Args:
            band: The band.
            tiling: How it is cut into strips.
            lines: Lines of the picture that it is computed from.
            tokens: Numbers of the feeds that are kept here, by name.
            turn: Number of the evaluation. Bands of earlier ones, which ended in a
                death, are forgotten.
        """
        if turn != self._turn:
            self._sweeps.clear()
            self._turn = turn
        guides = [name for name in tokens if not name.startswith(CONTENT_TARGET)]
        feeds = self._feeds(band, tokens, guides)
        sweep = self._tiled.sweeps.forward(lines, band, tiling, feeds)
        self._sweeps[band.first] = sweep
        return sweep.sums

    def backward(
        self,
        band: Band,
        tiling: Tiling,
        tokens: Tokens,
        seeds: Mapping[str, FloatArray],
    ) -> dict[str, FloatArray]:
        """Return the gradient of a band's own lines, and terms that are sums over them.

        Args:
            band: The band of the last call of `forward`.
            tiling: How it is cut into strips.
            tokens: Numbers of the feeds that are kept here, by name.
            seeds: Weights, and the gradients of the sums over all bands.
        """
        feeds = {**seeds, **self._feeds(band, tokens, tokens)}
        sweep = self._sweeps.pop(band.first)
        made = self._tiled.sweeps.backward(sweep, tiling, feeds)
        made[contract.GRADIENT] = np.ascontiguousarray(made[contract.GRADIENT])
        return made

    def _feeds(
        self, band: Band, tokens: Tokens, names: Iterable[str]
    ) -> dict[str, FloatArray]:
        return {name: self._kept[tokens[name], band.first, name] for name in names}

    def _own(self, band: Band, token: int, name: str) -> FloatArray:
        kept = self._kept[token, band.first, name]
        return at(kept, band.axis, band.own(block_of(name)))


def block_of(name: str) -> int:
    """Return the block of a feed that has lines: content features, or a guide."""
    _, _, of = name.partition("/")
    return int(of) if of.isdecimal() else contract.block(of)
