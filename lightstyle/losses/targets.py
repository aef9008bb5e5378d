"""What a picture is compared with: features, Gram matrices, metrics, matches.

Targets are computed once for each level, from the pictures at the level's size.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..arrays import Array, Size
from ..engine.model import Model
from ..engine.strips import Tiling
from ..settings.settings import Settings
from . import matching
from .metrics import METRICS, Metric, identity


@dataclass(frozen=True, eq=False)
class StyleRegion:
    """The part of a style image that a region is matched to.

    Attributes:
        style: Index of the style image, from 0.
        share: Weight in the region's target; the weights of a region add up to 1.
        mask: (h, w), 0…1, at any size; `None` for the whole style image.
    """

    style: int
    share: float
    mask: Array | None = None


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture, and the parts of style images that it is matched to.

    Attributes:
        sources: Parts of style images, at least one.
        mask: (h, w), 0…1, at any size; `None` for the whole picture.
        strength: Factor of the region's weight, beside its area.
    """

    sources: tuple[StyleRegion, ...]
    mask: Array | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class StyleTarget:
    """A style image at the size at which its target is computed.

    Attributes:
        region: Index of the region that is matched to it, from 0.
        share: Weight in the region's target.
        pixels: (1, 3, h, w), 0…255.
        mask: (h, w), 0…1, the part of the image that counts; `None` for all of it.
        tiling: Strips in which its target is computed; `None` for one piece.
    """

    region: int
    share: float
    pixels: Array
    mask: Array | None = None
    tiling: Tiling | None = None


@dataclass(frozen=True)
class Term:
    """How a term of the loss is evaluated.

    Attributes:
        output: The graph's term that gives it.
        scale: Factor of its weight, beside those of the settings.
    """

    output: str
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Targets:
    """What pictures of one size are compared with.

    Attributes:
        size: Width and height of the pictures; in a run, of their canvases.
        feeds: Inputs of the evaluation graph: targets, metrics, guides.
        terms: The terms of the loss, by the name under which they are reported.
        tiling: Strips in which pictures are evaluated; `None` for one piece.
    """

    size: Size
    feeds: Mapping[str, Array]
    terms: Mapping[str, Term]
    tiling: Tiling | None = None

    @classmethod
    def of(
        cls,
        model: Model,
        settings: Settings,
        level_start: Array,
        *,
        content: Array | None = None,
        styles: Iterable[StyleTarget] = (),
        region_feeds: Mapping[str, Array] | None = None,
        tiling: Tiling | None = None,
    ) -> Self:
        """Compute the targets of one level.

        Args:
            model: Computes them.
            settings: Name the layers and the style loss.
            level_start: (1, 3, H, W), the picture that the level starts from. Matches
                are found for its features. It also stands in for a picture that is not
                given, since the graph wants an input for every layer it was built with.
            content: (1, 3, H, W); `None` for a loss without content terms.
            styles: Style images, grouped by region; none for a loss without style
                terms.
            region_feeds: Guides and weights of the regions, if style targets are
                stacked by region.
            tiling: Strips in which pictures of this size are evaluated.
        """
        matched = settings.matched_layers
        style_layers = model.info.style_layers
        made = model.targets(level_start if content is None else content, tiling)
        regions, candidates = _style_targets(model, styles, matched)
        feeds = _named(contract.content_target, model.info.content_layers, made)
        if region_feeds is None:
            grams = regions[0] if regions else made
            feeds |= _named(contract.style_target, style_layers, grams)
        else:
            metric = METRICS[settings.style_loss] or identity
            feeds |= _stacked(style_layers, regions, metric)
            feeds |= region_feeds
        names = [contract.TV_LOSS]
        if content is not None:
            names += map(contract.content_loss, settings.content_layers.used)
        if regions:
            names += map(contract.style_loss, settings.style_layers.used)
        terms = {name: Term(name) for name in names}
        if candidates:
            start = made if content is None else model.targets(level_start, tiling)
            matches = matching.targets(start, candidates)
            feeds |= matches
            terms |= _matched_terms(matched, regions[0], matches)
        _, _, height, width = level_start.shape
        return cls((width, height), feeds, terms, tiling)


def blended(styles: Iterable[tuple[float, Mapping[str, Array]]]) -> dict[str, Array]:
    """Compute the common target of several styles, the mean of their Gram matrices.

    One term of the loss per style k, with shares b_k that add up to 1, would have the
    same gradient at several times the cost. By bias and variance,

        Σ_k b_k ‖G − A_k‖² = ‖G − Σ_k b_k A_k‖² + Σ_k b_k ‖A_k − Σ_j b_j A_j‖²,

    where the last sum does not depend on the picture. So there is one term, with the
    target Σ_k b_k A_k.

    This holds for a narrowed network, too. Its targets are R S Rᵀ, linear in the second
    moments S of [z; 1], its features and a one; the moment of the one is 1 in every
    style, and in their mean because the shares add up to 1.

    Args:
        styles: Share and Gram matrices of each style, the matrices by name.

    Returns:
        Matrices by name, empty without styles. A single style's are unchanged, bit for
        bit.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    for share, grams in styles:
        for name, gram in grams.items():
            sums[name] = sums.get(name, np.float64(0)) + share * gram.astype(np.float64)
    return {name: total.astype(np.float32) for name, total in sums.items()}


def _style_targets(
    model: Model, styles: Iterable[StyleTarget], matched: Sequence[str]
) -> tuple[list[dict[str, Array]], list[dict[str, Array]]]:
    """Compute the Gram matrices of each region, and candidates of each style image.

    There are no candidates without `matched` layers.
    """
    candidates: list[dict[str, Array]] = []

    def grams(style: StyleTarget) -> dict[str, Array]:
        given = style.pixels, style.tiling, style.mask
        if not matched:
            return model.style_targets(*given)
        found = model.targets(*given)
        candidates.append(matching.candidates(found, matched, style.mask))
        return _named(contract.style_target, model.info.style_layers, found)

    by_region = groupby(styles, key=lambda style: style.region)
    regions = [
        blended((style.share, grams(style)) for style in group)
        for _, group in by_region
    ]
    return regions, candidates


def _stacked(
    layers: Iterable[str],
    regions: Sequence[Mapping[str, Array]],
    metric: Metric,
) -> dict[str, Array]:
    """Stack the Gram matrices of all regions, and the metrics that follow from them."""
    feeds = {}
    for layer in layers:
        grams = [region[contract.style_target(layer)] for region in regions]
        feeds[contract.style_target(layer)] = np.stack(grams)
        feeds[contract.style_metric(layer)] = np.stack([*map(metric, grams)])
    return feeds


def _matched_terms(
    layers: Iterable[str], grams: Mapping[str, Array], matches: Mapping[str, Array]
) -> dict[str, Term]:
    """Style terms that the graph's content terms give, with matches as targets."""
    terms = {}
    for layer in layers:
        _, _, height, width = matches[contract.content_target(layer)].shape
        gram = grams[contract.style_target(layer)]
        scale = matching.weight(layer, gram, height * width)
        terms[contract.style_loss(layer)] = Term(contract.content_loss(layer), scale)
    return terms


def _named(
    feed: Callable[[str], str], layers: Iterable[str], targets: Mapping[str, Array]
) -> dict[str, Array]:
    """Pick the targets of some layers."""
    return {name: targets[name] for name in map(feed, layers)}
