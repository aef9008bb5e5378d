"""Finds the nearest feature of the style for every position of a picture.

Neural neighbour style transfer, Kolkin et al. (arXiv:2203.13215): the target of each
position is the style feature that is nearest to it by cosine, both centred by their own
means, and the loss is the squared distance to it. Departures from that paper, by
experiment:

* the layers of blocks 1 and 2 keep their Gram matrices, which get the colours right;
* each layer is matched alone, at its own size and with its features as they are; the
  paper stacks all layers and rotates the style;
* matches are found once, at the start of each level, so that a level has a single loss,
  which L-BFGS needs;
* a large style is sampled on a regular grid.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..arrays import Array
from ..engine.guides import levels

#: With this factor, the same style weight looks alike with ``gram`` and ``match``.
_STRENGTH: Final = 1e-3

#: Most style features that a position is compared with, per layer.
MOST: Final = 65_536

#: Similarities that are computed at a time, 64 MB of them.
_HELD: Final = 1 << 24


def nearest(query: Array, candidates: Array, held: int = _HELD) -> NDArray[np.intp]:
    """Find the candidate nearest to each query, by the cosine of centred features.

    Args:
        query: Features of the picture, (M, C).
        candidates: Features of the style, (K, C), at least one.
        held: Similarities to compute at a time.

    Returns:
        Indices of candidates, (M,); of equal ones, the first.
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
    """Select the features of a style that positions may be matched with.

    Args:
        features: Outputs of `Model.targets` for the style image.
        layers: Layers that are matched.
        mask: (h, w), 0…1, at the size of the style image: positions below half of its
            maximum are left out.
        most: Most features per layer; more are sampled at regular distances.

    Returns:
        Features by layer, (K, C).
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
    """Compute the target of every position of a picture.

    Args:
        features: Outputs of `Model.targets` for the picture.
        styles: The `candidates` of each style; they are searched together.
        most: Most features per layer, of all styles; more are sampled at regular
            distances.

    Returns:
        Targets by input of the evaluation graph, (1, C, h, w).
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
    """Compute the factor of ½ Σ (F − T)² that makes it comparable to a Gram term.

    It is 1e-3 ‖A/M_s‖ / (4 N²) · 2/M: the norm of the style's Gram matrix gives the
    term the dimension of a Gram term, and M makes it independent of the size.

    Args:
        layer: Layer of the features, with N channels.
        gram: Normalised Gram matrix A/M_s of the style, (C, C).
        positions: Number M of positions of the picture.
    """
    norm = float(np.linalg.norm(gram.astype(np.float64)))
    return _STRENGTH * norm / (4 * contract.CHANNELS[layer] ** 2) * 2 / positions


def _rows(features: Array) -> Array:
    """View features (1, C, h, w) as (h·w, C)."""
    return np.asarray(features).reshape(features.shape[1], -1).T


def _thinned(rows: Array, most: int) -> Array:
    """Sample at most `most` rows at regular distances; returns a copy."""
    step = -(-len(rows) // most)
    return np.ascontiguousarray(rows[::step])


def _centred(rows: Array) -> Array:
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return np.ascontiguousarray(rows - mean)
