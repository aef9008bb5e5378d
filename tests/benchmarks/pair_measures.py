"""Structure kept and style reached by a picture of a pair, in features of a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from lightstyle import contract, images
from lightstyle.arrays import Array, Size
from lightstyle.losses import likeness
from lightstyle.quality import metrics
from lightstyle.quality.features import Network
from tests.benchmarks import pair_pixels
from tests.benchmarks.pair_cases import Pair
from tests.benchmarks.pair_pixels import ContentPixels, StylePixels

#: Layers of the style with their weights by default. conv5_1, which would cost half as
#: much again, has 1/86 of the weight.
STYLE: Final[Mapping[str, int]] = {
    "conv1_1": 64,
    "conv2_1": 16,
    "conv3_1": 4,
    "conv4_1": 1,
}

#: Layers at which structure is compared: of CFSD, and of the content term.
STRUCTURE, CONTENT = "conv3_1", "conv4_2"


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network and a colour histogram see of a picture."""

    image_hwc: Array
    structure: Array
    content: Array
    moments: Mapping[str, metrics.Moments]
    histogram: metrics.Matrix


class PairJudge:
    """Measures pictures of pairs; remembers what it has seen of contents and styles."""

    def __init__(self, network: Network, size: int) -> None:
        """`size` is the longest side of the contents, and so of all pictures."""
        self._network, self._size = network, size
        self.content, self.style = cache(self._content), cache(self._style)
        self._empty, self._start = cache(self._of_empty), cache(self._of_content)
        self._unrelated = cache(self._of_style)

    def measure(self, pair: Pair, image_hwc: Array) -> dict[str, Any]:
        """Measure a picture, (h, w, 3), 0…255, brought to the size of the content."""
        content, pixels = self.content(pair.content)
        height, width = content.image_hwc.shape[:2]
        style, painted = self.style(pair.style, (width, height))
        same = np.array_equal(image_hwc, content.image_hwc)
        seen = content if same else self._see(image_hwc)
        cfsd, term = self._losses(seen, content)
        empty_cfsd, empty_term = self._empty(pair.content)
        start, start_loss = self._start(pair)
        distances = _distances(seen, style)
        closed = {k: 1 - distances[k] / max(start[k], 1e-12) for k in STYLE}
        return {
            "cfsd": cfsd,
            "lost": cfsd / empty_cfsd,
            "lost_to_style": cfsd / self._unrelated(pair),
            "content_term": term / empty_term,
            "unlike": _lost(seen.content, content.content),
            "ssim": metrics.ssim(image_hwc, content.image_hwc),
            "distances": distances,
            "closed": closed,
            "reached": float(np.mean([*closed.values()])),
            "style_loss_closed": 1 - _style_loss(seen, style) / start_loss,
            "colour_style": metrics.hellinger(seen.histogram, style.histogram),
            "colour_content": metrics.hellinger(seen.histogram, content.histogram),
            **pair_pixels.measure(image_hwc, pixels, painted),
        }

    def fitted(self, path: Path, pair: Pair) -> Array:
        """Read a picture at the size of the content, (H, W, 3), 0…255."""
        height, width = self.content(pair.content)[0].image_hwc.shape[:2]
        return images.resized(images.load(path), (width, height)).rgb_hwc

    def _content(self, path: Path) -> tuple[Seen, ContentPixels]:
        image_hwc = _read(path, self._size)
        return self._see(image_hwc), ContentPixels.of(image_hwc)

    def _style(self, path: Path, size: Size) -> tuple[Seen, StylePixels]:
        image_hwc = _read(path, max(size))
        return self._see(image_hwc), StylePixels.of(image_hwc)

    def _of_empty(self, path: Path) -> tuple[float, float]:
        """CFSD and content term of a picture of one colour, the content's mean."""
        content, _ = self.content(path)
        mean = content.image_hwc.mean(axis=(0, 1))
        empty = self._see(np.broadcast_to(mean, content.image_hwc.shape))
        cfsd, term = self._losses(empty, content)
        return max(cfsd, 1e-12), max(term, 1e-12)  # the content may be empty itself

    def _of_content(self, pair: Pair) -> tuple[dict[str, float], float]:
        """Distances of the content from the style, and its style loss."""
        content, _ = self.content(pair.content)
        height, width = content.image_hwc.shape[:2]
        style, _ = self.style(pair.style, (width, height))
        return _distances(content, style), max(_style_loss(content, style), 1e-12)

    def _of_style(self, pair: Pair) -> float:
        """CFSD of the style in the content's place, which has nothing of the content.

        One colour has no contrast, and loses little to a content that has hardly any;
        a picture in a style of much contrast can lose many times as much.
        """
        style = self._see(self.fitted(pair.style, pair))
        return max(self._losses(style, self.content(pair.content)[0])[0], 1e-12)

    def _losses(self, seen: Seen, content: Seen) -> tuple[float, float]:
        cfsd = metrics.structural_distance(seen.structure, content.structure)
        squares = np.square(seen.content - content.content, dtype=np.float64)
        return cfsd, float(squares.sum())

    def _see(self, image_hwc: Array) -> Seen:
        found = self._network.features(image_hwc, {*STYLE, STRUCTURE, CONTENT})
        moments = {layer: metrics.moments(found[layer]) for layer in STYLE}
        histogram = metrics.colour_histogram(image_hwc)
        return Seen(image_hwc, found[STRUCTURE], found[CONTENT], moments, histogram)


def _read(path: Path, longest: int) -> Array:
    picture = images.load(path, longest=longest)
    size = images.fitted_size(picture.original_size, longest)
    return images.resized(picture, size).rgb_hwc


def _distances(seen: Seen, style: Seen) -> dict[str, float]:
    return {
        layer: metrics.wasserstein(seen.moments[layer], style.moments[layer])
        for layer in STYLE
    }


def _lost(*features: Array) -> float:
    """What a picture has lost of the content, of features (C, positions)."""
    return likeness.lost(*(each[None, :, None] for each in features))


def _style_loss(seen: Seen, style: Seen) -> float:
    """Gatys' loss; a Gram matrix over its positions is Σ + μ μᵀ."""
    total = 0.0
    for layer, weight in STYLE.items():
        one, other = (
            each.covariance + np.outer(each.mean, each.mean)
            for each in (seen.moments[layer], style.moments[layer])
        )
        scale = weight / sum(STYLE.values()) / (4 * contract.CHANNELS[layer] ** 2)
        total += scale * float(np.sum((one - other) ** 2))
    return total
