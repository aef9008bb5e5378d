"""The loss of one level, from pictures at its size."""

from collections.abc import Iterable
from typing import Any

from lightstyle import Model, Settings
from lightstyle.arrays import Array
from lightstyle.losses.objective import Objective
from lightstyle.losses.targets import StyleTarget, Targets
from lightstyle.losses.weights import term_weights


def objective(
    model: Model,
    settings: Settings,
    start: Array,
    content: Array | None,
    styles: Iterable[StyleTarget],
    **options: Any,
) -> Objective:
    """The loss of pictures of the size of `start`, (1, 3, H, W).

    Args:
        model: Evaluates.
        settings: Give the weights.
        start: What the level starts from.
        content: As of `Targets.of`.
        styles: As of `Targets.of`.
        options: Others of `Targets.of`.
    """
    targets = Targets.of(
        model, settings, start, content=content, styles=styles, **options
    )
    return Objective(model, targets, term_weights(model, settings, targets, start))
