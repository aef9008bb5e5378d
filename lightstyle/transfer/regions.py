"""Which region of the picture is painted like what of which style.

Guided Gram matrices, as in Gatys et al., "Controlling Perceptual Factors in Neural
Style Transfer" (arXiv:1611.07865, section 4.1): a style loss for each region, in which
positions count as masks say. Departures from that paper:

* masks are brought to a layer's size by means, not through the network's own receptive
  fields, so that they cover the picture with nothing between them;
* regions count by their area: each is painted as if it were a picture of its own, small
  or large;
* where masks overlap, they share the positions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..arrays import Array
from ..engine.guides import guides
from ..errors import ImageError, UsageError
from ..images import masks
from ..images.picture import Picture
from ..losses.targets import Region, StyleRegion
from ..settings import blend
from ..settings.choices import ALL
from ..settings.settings import Settings


def read(
    settings: Settings, content: Picture | None, styles: Sequence[Picture]
) -> tuple[Region, ...]:
    """The regions that `settings` name; one, of the whole picture, if none.

    Raises:
        ImageError: A mask cannot be used.
        UsageError: Masks are too many or too few.
    """
    if not styles:
        return ()
    check_counts(settings, len(styles))
    if settings.regions and content is not None:
        return _mapped(settings.regions, content, styles)
    shares = blend.shares(settings.blend, len(styles))
    told = _masks("style-mask", settings.style_mask, styles)
    sources = [
        StyleRegion(*each) for each in zip(range(len(told)), shares, told, strict=True)
    ]
    canvases: list[Array | None] = []
    if content is not None:
        pictures = [content] * len(styles)
        canvases = _masks("content-mask", settings.content_mask, pictures)
    if all(canvas is None for canvas in canvases):
        return (Region(tuple(source for source in sources if source.share > 0)),)
    return tuple(
        Region((StyleRegion(n, 1.0, told[n]),), canvas, share * len(styles))
        for n, (canvas, share) in enumerate(zip(canvases, shares, strict=True))
    )


def check_counts(settings: Settings, styles: int) -> None:
    """Check that there are as many masks as styles, if any, and one style of maps.

    Raises:
        UsageError: There are not.
    """
    for name in ("content_mask", "style_mask"):
        given = getattr(settings, name)
        if len(given) not in (0, styles):
            option = name.replace("_", "-")
            raise UsageError(
                f"{len(given)} of --{option}, expected one for each of the styles, "
                f"which are {styles} ({ALL} stands for the whole picture)"
            )
    if settings.regions and styles != 1:
        raise UsageError(f"regions are of one style, but there are {styles}")


def canvas(regions: Sequence[Region], size: tuple[int, int]) -> Array:
    """What each pixel counts in each region, (R, H, W).

    Args:
        regions: Of the run.
        size: Width and height.
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
    return shared


def untouched(canvas_rhw: Array) -> NDArray[np.bool_]:
    """Pixels of no region, (H, W)."""
    outside: NDArray[np.bool_] = canvas_rhw.max(axis=0) < masks.LEAST
    return outside


def feeds(regions: Sequence[Region], canvas_rhw: Array) -> dict[str, Array]:
    """What the model is told of the regions on a canvas, (R, H, W).

    Raises:
        UsageError: If one is nowhere.
    """
    areas = canvas_rhw.mean(axis=(1, 2), dtype=np.float64)
    strengths = [region.strength for region in regions]
    weights = (areas * strengths).astype(np.float32)
    return {**guides(canvas_rhw), contract.REGION_WEIGHT: weights[:, None]}


def _masks(
    option: str, given: Sequence[str], pictures: Sequence[Picture]
) -> list[Array | None]:
    """The mask for each of `pictures`; of one that is given for all, the same."""
    if not given:
        return [None] * len(pictures)
    each = zip(given, pictures, strict=True)
    return [masks.read(source, option, picture) for source, picture in each]


def _mapped(
    maps: tuple[str, str], content: Picture, styles: Sequence[Picture]
) -> tuple[Region, ...]:
    """A region for each colour of two maps."""
    where = masks.read_map(maps[0], "regions", content)
    what = masks.read_map(maps[1], "regions", styles[0])
    for color in where:
        if color not in what:
            raise ImageError(
                f"regions {maps[0]} has the colour {color}, and {maps[1]} has not: "
                f"expected some of {', '.join(what)}"
            )
    return tuple(
        Region((StyleRegion(0, 1.0, what[color]),), mask)
        for color, mask in where.items()
    )
