"""Reads the regions of a picture, and what each is matched to.

Guided Gram matrices, as in Gatys et al., "Controlling Perceptual Factors in Neural
Style Transfer" (arXiv:1611.07865, section 4.1): each region has a style loss of its
own, in which masks weight the positions. Departures from that paper:

* masks are brought to a layer's size by means instead of the network's own receptive
  fields, so that they cover the picture without gaps;
* regions are weighted by their area: each is stylised like a picture of its own, small
  or large;
* where masks overlap, they share the positions;
* where the content is to be protected, all regions have less weight.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..arrays import Array, Size
from ..engine.guides import guides
from ..errors import ImageError, UsageError
from ..images import masks, region_maps
from ..images.picture import Picture
from ..losses.targets import Region, StyleRegion
from ..settings import blend
from ..settings.choices import ALL
from ..settings.settings import Settings

#: By so much a protected position counts less for the style. With nothing left it would
#: be frozen, with a seam around it.
_PROTECTION: Final = np.float32(0.95)


def read(
    settings: Settings, content: Picture | None, styles: Sequence[Picture]
) -> tuple[Region, ...]:
    """Read the masks or maps that `settings` name.

    Returns:
        The regions: one, the whole picture, if there are no masks; none without styles.

    Raises:
        ImageError: If a mask cannot be used.
        UsageError: If there are too many masks or too few.
    """
    if not styles:
        return ()
    check_counts(settings, len(styles))
    if settings.regions and content is not None:
        return _mapped(settings.regions, content, styles)
    shares = blend.shares(settings.blend, len(styles))
    style_masks = _masks("style-mask", settings.style_mask, styles)
    content_masks: list[Array | None] = []
    if content is not None:
        pictures = [content] * len(styles)
        content_masks = _masks("content-mask", settings.content_mask, pictures)
    if all(mask is None for mask in content_masks):
        each = zip(range(len(styles)), shares, style_masks, strict=True)
        sources = (StyleRegion(*values) for values in each)
        return (Region(tuple(source for source in sources if source.share > 0)),)
    return tuple(
        Region((StyleRegion(n, 1.0, style_masks[n]),), mask, share * len(styles))
        for n, (mask, share) in enumerate(zip(content_masks, shares, strict=True))
    )


def protected(settings: Settings, content: Picture | None) -> Array | None:
    """Read the mask of what must stay, (h, w), 0…1, if the settings name one.

    Raises:
        ImageError: If it cannot be used.
    """
    if settings.protect is None or content is None:
        return None
    return masks.read_file(settings.protect, "protect", content)


def check_counts(settings: Settings, styles: int) -> None:
    """Check that there is one mask per style, if any, and one style for maps.

    Raises:
        UsageError: If there is not.
    """
    for name in ("content_mask", "style_mask"):
        given = len(getattr(settings, name))
        if given not in (0, styles):
            kind = name.replace("_", " ")
            raise UsageError(
                f"got {given} {kind}{'s' * (given != 1)} for {styles} "
                f"style{'s' * (styles != 1)}: give one per style with "
                f"--{name.replace('_', '-')}, where {ALL} means the whole image"
            )
    if settings.regions and styles != 1:
        raise UsageError(
            f"got {styles} styles for --regions, which takes one: give one style, or "
            "use masks"
        )


def masks_rhw(
    regions: Sequence[Region], size: Size, protected: Array | None = None
) -> Array:
    """Compute the weight of each pixel in each region, (R, H, W), 0…1.

    Args:
        regions: Regions of the run.
        size: Width and height.
        protected: (h, w), 0…1, where the content must stay.
    """
    width, height = size
    whole = np.ones((height, width), np.float32)
    stack = np.stack(
        [
            whole if region.mask is None else masks.resized(region.mask, size)
            for region in regions
        ]
    )
    shared: Array = stack / np.maximum(stack.sum(axis=0), np.float32(1))
    if protected is not None:
        shared *= 1 - _PROTECTION * masks.resized(protected, size)
    return shared


def frozen(masks_rhw: Array) -> NDArray[np.bool_]:
    """Return the pixels that are in no region, (H, W)."""
    outside: NDArray[np.bool_] = masks_rhw.max(axis=0) < masks.LEAST
    return outside


def feeds(regions: Sequence[Region], masks_rhw: Array) -> dict[str, Array]:
    """Compute the inputs of the guided graphs: guides, and weights of the regions.

    Args:
        regions: Regions of the run.
        masks_rhw: (R, H, W).

    Raises:
        UsageError: If a region is empty.
    """
    areas = masks_rhw.mean(axis=(1, 2), dtype=np.float64)
    strengths = [region.strength for region in regions]
    weights = (areas * strengths).astype(np.float32)
    return {**guides(masks_rhw), contract.REGION_WEIGHT: weights[:, None]}


def _masks(
    role: str, sources: Sequence[str], pictures: Sequence[Picture]
) -> list[Array | None]:
    """Read the mask of each of `pictures`; without sources there is none for any."""
    if not sources:
        return [None] * len(pictures)
    each = zip(sources, pictures, strict=True)
    return [masks.read(source, role, picture) for source, picture in each]


def _mapped(
    maps: tuple[str, str], content: Picture, styles: Sequence[Picture]
) -> tuple[Region, ...]:
    """Make a region for each colour of two maps."""
    where = region_maps.read(maps[0], "regions", content)
    what = region_maps.read(maps[1], "regions", styles[0])
    taken = {color: region_maps.counterpart(color, what) for color in where}
    for color, other in taken.items():
        shared = list(taken.values()).count(other) > 1
        if other is None or (shared and other != color):
            raise ImageError(
                f"regions {maps[0]} has the colour {color}, but {maps[1]} does not: "
                f"use its colours, {', '.join(what)}"
            )
    return tuple(
        Region((StyleRegion(0, 1.0, what[taken[color] or color]),), mask)
        for color, mask in where.items()
    )
