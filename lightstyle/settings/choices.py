"""Every word that a setting may have, each once.

A new word is added here, and used where its algorithm lives.
"""

from enum import StrEnum
from typing import Final, Self

from ..contract import POOLINGS, block

#: A mask that is this word instead of a file covers the whole picture.
ALL: Final = "all"


class StyleLoss(StrEnum):
    """What a style loss compares.

    Attributes:
        matched_from: The first VGG block whose style layers are compared position by
            position; None if all layers are compared by their statistics.
        excludes: Settings that cannot be combined with the loss.
    """

    matched_from: int | None
    excludes: tuple[str, ...]

    def __new__(
        cls, word: str, matched_from: int | None = None, *excludes: str
    ) -> Self:
        """Add a word, with what it asks of the other settings."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.matched_from, member.excludes = matched_from, excludes
        return member

    GRAM = "gram"
    GAUSSIAN = "gaussian"
    MATCH = "match", 3, "balance_layers", "content_mask", "regions", "protect"

    def matched(self, style_layers: tuple[str, ...]) -> tuple[str, ...]:
        """Return the layers that are compared position by position."""
        first = self.matched_from
        return tuple(n for n in style_layers if first and block(n) >= first)


class Color(StrEnum):
    """Where the colours of the result come from."""

    STYLE = "style"
    CONTENT_CHROMA = "content-chroma"
    CONTENT_HISTOGRAM = "content-histogram"
    MATCH_STYLE = "match-style"


#: Colours that may come from a picture that is not the content.
PALETTES: Final = (Color.CONTENT_HISTOGRAM, Color.MATCH_STYLE)


class Outside(StrEnum):
    """What becomes of pixels that no mask covers."""

    KEEP = "keep"
    BLEND = "blend"


class Init(StrEnum):
    """What the optimisation may start from besides a picture file."""

    CONTENT = "content"
    NOISE = "noise"
    STYLE = "style"


class Pooling(StrEnum):
    """How the network pools."""

    MAX, AVERAGE = POOLINGS


class Optimizer(StrEnum):
    """Which optimiser runs; ``auto`` stands for the best one."""

    AUTO = "auto"
    LBFGS = "lbfgs"
    LBFGSB = "lbfgsb"


class Precision(StrEnum):
    """The arithmetic of the device."""

    FLOAT32 = "float32"
    TF32 = "tf32"


class Pyramid(StrEnum):
    """Whether a run goes from coarse to fine."""

    ON = "on"
    OFF = "off"


class Metadata(StrEnum):
    """What the file of a result says of the photo, and of how it was made."""

    PRIVATE = "private"
    KEEP = "keep"
    NONE = "none"
