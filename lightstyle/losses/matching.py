"""Style as the nearest features: every position has one of the style as its target.

Neural neighbour style transfer, Kolkin et al. (arXiv:2203.13215): of each position of a
canvas, the feature of the style that is nearest to it by cosine, both centred by their
own means, becomes the target, and the loss is the squared distance to it. Departures
from that paper, by experiment:

* the layers of blocks 1 and 2 keep their Gram matrices, which have the colours right;
* each layer is matched by itself, at its own size, with features as they are, where
  the paper stacks all layers and turns the style;
* targets are found once at the start of each level, not anew on the way, so that a
  level has one loss, on which L-BFGS may rely;
* of a large style, only so many features are looked at, on a regular grid.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..arrays import Array
from ..engine.guides import levels

#: With this factor, one style weight looks alike with Gram matrices and with matches.
_STRENGTH: Final = 1e-3

#: Features of the styles that a position of a layer is compared with, at the most.
MOST: Final = 65_536

#: Similarities that are held at a time, 64 MB of them.
_HELD: Final = 1 << 24


def nearest(query: Array, candidates: Array, held: int = _HELD) -> NDArray[np.intp]:
    """Which candidate each query is nearest to, by the cosine of centred features.

    Args:
        query: (M, C), features of the canvas.
        candidates: (K, C), features of the style, at least one.
        held: Similarities that there is room for.

    Returns:
        (M,) numbers of candidates, the first of equals.
    """
    unit = _centred(candidates)
    norms = np.linalg.norm(unit, axis=1, keepdims=True)
    unit /= np.where(norms > 0, norms, np.float32(1))
    # The norm of a query is the same for all candidates, and does not matter.
    centred = _centred(query)
    found = np.empty(len(query), np.intp)
    rows = max(1, held // len(candidates))
    for begin in range(0, len(query), rows):
        block = slice(begin, begin + rows)
        found[block] = np.argmax(centred[block] @ unit.T, axis=1)
    return found


def candidates(
    features: Mapping[str, Array],
    layers: Iterable[str],
    mask: Array | None = None,
    most: int = MOST,
) -> dict[str, Array]:
    """Features of a style, (K, C) by layer, that positions may be matched with.

    Args:
        features: Of `Model.targets`, by feed.
        layers: That are matched.
        mask: (h, w), 0…1, at the size of the picture: positions with less than half of
            what it has at the most are left out.
        most: Features of a layer; of more, those at regular distances.
    """
    found = {}
    for layer in layers:
        rows = _rows(features[contract.content_target(layer)])
        if mask is not None:
            level = levels(mask[None])[contract.block(layer) - 1].ravel()
            rows = rows[level >= level.max() / 2]
        found[layer] = _thinned(rows, most)
    return found


def targets(
    features: Mapping[str, Array],
    styles: Sequence[Mapping[str, Array]],
    most: int = MOST,
) -> dict[str, Array]:
    """What each position of a canvas is to become, by feed of its content target.

    Args:
        features: Of the canvas, as `Model.targets` has them.
        styles: The `candidates` of each, which count as if they were of one.
        most: Features of a layer, of all styles; of more, those at regular distances.
    """
    found = {}
    for layer in styles[0]:
        name = contract.content_target(layer)
        known = _thinned(np.concatenate([style[layer] for style in styles]), most)
        best = known[nearest(_rows(features[name]), known)]
        target = best.T.reshape(features[name].shape)
        found[name] = np.ascontiguousarray(target, np.float32)
    return found


def weight(layer: str, gram: Array, positions: int) -> float:
    """What ½ Σ (F − T)² counts for each unit of the layer's weight as a Gram term.

    That is 1e-3 ‖A/M_s‖ / (4 N²) · 2/M: the norm of the style's Gram matrix gives the
    term the dimension of a Gram term, and M makes it independent of the size.

    Args:
        layer: Of the features.
        gram: The style's normalised Gram matrix A/M_s.
        positions: M, of the canvas.
    """
    norm = float(np.linalg.norm(gram.astype(np.float64)))
    return _STRENGTH * norm / (4 * contract.CHANNELS[layer] ** 2) * 2 / positions


def _rows(features: Array) -> Array:
    """(1, C, h, w) as (h·w, C); not a copy."""
    return features.reshape(features.shape[1], -1).T


def _thinned(rows: Array, most: int) -> Array:
    """At most so many rows, at regular distances; a copy."""
    step = -(-len(rows) // most)
    return np.ascontiguousarray(rows[::step])


def _centred(rows: Array) -> Array:
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return np.ascontiguousarray(rows - mean)
