"""Style losses from sums over positions, for each region or for the whole picture.

The heads graph compares one Gram matrix per layer. Regions are few and the matrices
small, so it runs once for each region.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .. import contract
from ..arrays import FloatArray


class Run(Protocol):
    """Runs the graph of a role; `last` says that another graph is next."""

    def __call__(
        self, role: str, feeds: Mapping[str, FloatArray], /, *, last: bool
    ) -> dict[str, FloatArray]:
        """Return outputs by name."""


def style_losses(
    run: Run,
    layers: Sequence[str],
    sums: Mapping[str, FloatArray],
    positions: Sequence[int],
    feeds: Mapping[str, FloatArray],
) -> dict[str, FloatArray]:
    """Run the heads for every region.

    Args:
        run: Runs a graph.
        layers: Layers with style terms.
        sums: Sums of the forward sweep; the first axis is for regions.
        positions: Number of positions of each layer in the whole picture.
        feeds: Feeds of the evaluation graph, or of the guided one if there are regions.

    Returns:
        Outputs by name; the first axis is for regions.
    """
    weights = feeds.get(contract.REGION_WEIGHT)
    kind = feeds[contract.style_target(layers[0])].dtype
    found = []
    count = 1 if weights is None else len(weights)
    for region in range(count):
        given = {name: value[region].astype(kind) for name, value in sums.items()}
        for layer, number in zip(layers, positions, strict=True):
            target = contract.style_target(layer)
            metric = contract.style_metric(layer)
            strength = contract.style_weight(layer)
            given[target], given[strength] = feeds[target], feeds[strength]
            given[contract.positions(layer)] = np.array(number, kind)
            if weights is None:
                given[metric] = np.eye(feeds[target].shape[-1], dtype=kind)
            else:
                # The weights of a region's positions add up to 1.
                given[contract.positions(layer)] = np.array(1, kind)
                given[target] = feeds[target][region]
                given[metric] = feeds[metric][region]
                given[strength] = np.asarray(feeds[strength] * weights[region, 0])
        outputs = run(contract.HEADS, given, last=region == count - 1)
        if weights is not None:
            for name in map(contract.style_loss, layers):
                outputs[name] = outputs[name] * weights[region, 0]
        found.append(outputs)
    return {name: np.stack([each[name] for each in found]) for name in found[0]}


def zero_feeds(
    layers: Sequence[str], sums: Mapping[str, FloatArray], kind: Any, *, guided: bool
) -> dict[str, FloatArray]:
    """Return feeds with which the heads only make Gram matrices of the `sums`."""
    feeds: dict[str, FloatArray] = {}
    for layer in layers:
        regions, size, _ = sums[contract.gram_sums(layer)].shape
        size += contract.feature_sums(layer) in sums
        shape = (regions, size, size) if guided else (size, size)
        feeds[contract.style_target(layer)] = np.zeros(shape, kind)
        feeds[contract.style_metric(layer)] = np.zeros(shape, kind)
        feeds[contract.style_weight(layer)] = np.zeros((), kind)
        if guided:
            feeds[contract.REGION_WEIGHT] = np.zeros((regions, 1), kind)
    return feeds
