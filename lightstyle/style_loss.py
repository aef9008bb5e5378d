"""What a style is taken to be: the names of `Settings.style_loss`."""

from typing import Final

#: Gram matrices; the same in the metric of Gaussians; the nearest features.
STYLE_LOSSES: Final = ("gram", "gaussian", "match")
GRAM, GAUSSIAN, MATCH = STYLE_LOSSES
