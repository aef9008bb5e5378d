"""Style losses from sums over positions, for each region or for the whole picture.

The heads graph compares one Gram matrix per layer. Regions are few and the matrices
small, so it runs once for each region.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .. import contract
from ..arrays import FloatArray


class RunGraph(Protocol):
    """Runs the graph of a role; `last` says that another graph is next."""

    def __call__(
        self, role: str, feeds: Mapping[str, FloatArray], /, *, last: bool
    ) -> dict[str, FloatArray]:
        """Return outputs by name."""


class Heads:
    """Makes style losses, and targets, of sums over all positions of a picture."""

    def __init__(self, run: RunGraph, layers: Sequence[str]) -> None:
        """Use the graph that `run` runs, for the `layers` with style terms."""
        self._run = run
        self._layers = layers

    def losses(
        self,
        sums: Mapping[str, FloatArray],
        size: Sequence[int],
        feeds: Mapping[str, FloatArray],
    ) -> dict[str, FloatArray]:
        """Compute the style losses and their gradients by the sums.

        Args:
            sums: Sums of the forward sweep; the first axis is for regions.
            size: Height and width of the picture.
            feeds: Feeds of the evaluation graph, or of the guided one if there are
                regions.

        Returns:
            Outputs of the graph by name; the first axis is for regions.
        """
        if not self._layers:
            return {}
        weights = feeds.get(contract.REGION_WEIGHT)
        count = 1 if weights is None else len(weights)
        found = []
        for region in range(count):
            given = self._given(sums, size, feeds, region)
            outputs = self._run(contract.HEADS, given, last=region == count - 1)
            if weights is not None:
                for name in map(contract.style_loss, self._layers):
                    outputs[name] = outputs[name] * weights[region, 0]
            found.append(outputs)
        return {name: np.stack([each[name] for each in found]) for name in found[0]}

    def targets(
        self,
        sums: Mapping[str, FloatArray],
        size: Sequence[int],
        kind: Any,
        *,
        guided: bool,
    ) -> dict[str, FloatArray]:
        """Compute the Gram matrices that sums of type `kind` set as style targets."""
        feeds = zero_feeds(self._layers, sums, kind, guided=guided)
        made = self.losses(sums, size, feeds)
        found = {}
        for layer in self._layers:
            grams = made[contract.normalised_gram(layer)]
            found[contract.style_target(layer)] = grams if guided else grams[0]
        return found

    def _given(
        self,
        sums: Mapping[str, FloatArray],
        size: Sequence[int],
        feeds: Mapping[str, FloatArray],
        region: int,
    ) -> dict[str, FloatArray]:
        """Return the feeds of the graph for one region."""
        weights = feeds.get(contract.REGION_WEIGHT)
        kind = feeds[contract.style_target(self._layers[0])].dtype
        given = {name: value[region].astype(kind) for name, value in sums.items()}
        for layer in self._layers:
            target = contract.style_target(layer)
            metric = contract.style_metric(layer)
            strength = contract.style_weight(layer)
            positions = contract.positions(layer)
            given[target], given[strength] = feeds[target], feeds[strength]
            if weights is None:
                smaller = contract.block(layer) - 1
                number = math.prod(side >> smaller for side in size)
                given[positions] = np.array(number, kind)
                given[metric] = np.eye(feeds[target].shape[-1], dtype=kind)
            else:
                # The weights of a region's positions add up to 1.
                given[positions] = np.array(1, kind)
                given[target] = feeds[target][region]
                given[metric] = feeds[metric][region]
                given[strength] = np.asarray(feeds[strength] * weights[region, 0])
        return given


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
