"""How large the styles of a run are."""

import math

from ..arrays import Size
from ..contract import MINIMUM_SIDE
from ..images import fitted_size
from ..settings import blend
from .inputs import Inputs


def style_sizes(inputs: Inputs) -> list[Size]:
    """Return the size of each style at the finest level: a scale of the picture's.

    Without `Settings.enlarge` it is at most the style image's own.
    """
    return [
        fitted_size(
            style.original_size,
            max(longest, _least(style.original_size)),
            enlarge=inputs.settings.enlarge,
            role="style",
        )
        for style, longest in zip(inputs.styles, _longest(inputs), strict=True)
    ]


def style_notes(inputs: Inputs) -> list[str]:
    """Return what the user should know of scales that have less effect than asked."""
    notes = []
    scales = blend.scales(inputs.settings.style_scale, len(inputs.styles))
    wanted, sizes = _longest(inputs), style_sizes(inputs)
    for number, (scale, longest) in enumerate(zip(scales, wanted, strict=True)):
        own, size = inputs.styles[number].original_size, "{}x{}".format(*sizes[number])
        which = f"style {number + 1}" if len(sizes) > 1 else "the style"
        if longest < min(_least(own), max(own)):
            notes.append(
                f"style-scale {scale:g} would make {which} too small for the network: "
                f"it is {size}"
            )
        elif scale > 1 and max(own) < longest and not inputs.settings.enlarge:
            notes.append(
                f"style-scale {scale:g} would make {which} larger than it is: it stays "
                f"{size}; --enlarge allows it"
            )
    return notes


def _longest(inputs: Inputs) -> list[int]:
    """Return the longest side that is asked of each style."""
    scales = blend.scales(inputs.settings.style_scale, len(inputs.styles))
    return [round(max(inputs.size) * scale) for scale in scales]


def _least(own: Size) -> int:
    """Return the least longest side: an elongated style stays wide enough."""
    long, short = max(own), min(own)
    return math.ceil(MINIMUM_SIDE * long / short)
