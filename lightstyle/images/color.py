"""Implements `--color`: the colours that the network sees, and those of the result.

As in Gatys et al., "Preserving Color in Neural Artistic Style Transfer"
(arXiv:1606.05897), which has two methods. ``match-style`` is its first, linear colour
matching before the transfer. ``content-chroma`` is its second, transfer of luminance
only: the network sees grey pictures, and the result takes its lightness from the
transfer and its chroma from the content. Departures from that method:

* lightness and chroma are Oklab's; the paper's YIQ is not perceptual;
* the grey style always has the mean and deviation of the grey content, which the paper
  recommends where they differ much;
* the chroma is reduced where sRGB has no colour of that lightness and chroma.

``content-histogram`` changes the colours after the transfer only.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..settings.choices import Color
from . import oklab
from .palettes import BAND, Map, distribution_map, linear_map
from .picture import Picture

#: Choices that change what the network sees, and those that change the result.
BEFORE: Final = (Color.CONTENT_CHROMA, Color.MATCH_STYLE)
AFTER: Final = (Color.CONTENT_CHROMA, Color.CONTENT_HISTOGRAM)

#: Least alpha of the pixels that count.
_SEEN: Final = 127.5


def as_content(choice: str, image_hwc: Array) -> Array:
    """Return the content as the network sees it, (H, W, 3), 0…255."""
    return grey(image_hwc) if choice == Color.CONTENT_CHROMA else image_hwc


def as_style(choice: str, style: Picture, palette: Picture) -> Array:
    """Return a style as the network sees it.

    Args:
        choice: One of `Color`.
        style: The style picture.
        palette: Picture to take the colours from: for ``content-chroma``, the content.

    Returns:
        (H, W, 3). Values may exceed 0…255, since clipping them would change the mean
        and the covariance that were matched.
    """
    if choice == Color.MATCH_STYLE:
        return mapped(style.rgb_hwc, linear_map(_seen(style), _seen(palette)))
    if choice == Color.CONTENT_CHROMA:
        change = linear_map(_grey(_seen(style)), _grey(_seen(palette)))
        return mapped(grey(style.rgb_hwc), change)
    return style.rgb_hwc


def finished(
    choice: str, made: Picture, palette: Picture
) -> tuple[Array, tuple[str, ...]]:
    """Give the result of the optimisation its final colours.

    Args:
        choice: One of `Color`.
        made: Result of the optimisation.
        palette: Picture to take the colours from: for ``content-chroma``, the content
            at the size of the result.

    Returns:
        (H, W, 3), 0…255, and notes for the user.
    """
    image_hwc = made.rgb_hwc
    if choice == Color.CONTENT_HISTOGRAM:
        change = distribution_map(_seen(made), _seen(palette))
        return np.clip(mapped(image_hwc, change), np.float32(0), np.float32(255)), ()
    if choice == Color.CONTENT_CHROMA:
        image_hwc, clipped = with_chroma(image_hwc, palette.rgb_hwc)
        note = (
            f"{100 * clipped:.1f} % of the pixels were clipped: sRGB has less chroma "
            "than the content at their lightness"
        )
        return image_hwc, (note,)
    return image_hwc, ()


def grey(image_hwc: Array) -> Array:
    """Convert a picture to grey of the same lightness, (H, W, 3), 0…255."""
    return mapped(image_hwc, _grey)


def with_chroma(image_hwc: Array, content_hwc: Array) -> tuple[Array, float]:
    """Combine the lightness of one picture with the chroma of another, in Oklab.

    Where sRGB has no such colour, a and b are multiplied by the largest factor that
    leads to one, which keeps lightness and hue and reduces the chroma.

    Args:
        image_hwc: (H, W, 3), 0…255, the source of the lightness.
        content_hwc: (H, W, 3), 0…255, the source of the chroma.

    Returns:
        The picture, (H, W, 3), 0…255, and the share of pixels with reduced chroma.
    """
    made_hwc, clipped = np.empty_like(image_hwc), 0
    for rows in _bands(image_hwc):
        lab = oklab.to_oklab(content_hwc[rows])
        lab[..., 0] = oklab.to_oklab(image_hwc[rows])[..., 0]
        outside = ~oklab.is_color(lab)
        lab[outside] = oklab.nearest_color(lab[outside])
        made_hwc[rows] = np.clip(oklab.from_oklab(lab), 0, 255)
        clipped += int(outside.sum())
    return made_hwc, clipped / made_hwc[..., 0].size


def mapped(image_hwc: Array, change: Map) -> Array:
    """Apply `change` to every colour of a picture, (H, W, 3), without clipping."""
    made_hwc = np.empty_like(image_hwc)
    for rows in _bands(image_hwc):
        made_hwc[rows] = change(image_hwc[rows])
    return made_hwc


def _grey(levels: NDArray[Any]) -> oklab.Values:
    lightness = oklab.to_oklab(levels)[..., :1]
    return np.repeat(oklab.grey_levels(lightness), 3, axis=-1)


def _seen(picture: Picture) -> Array:
    """Return the colours of the opaque pixels, (N, 3), or of all if there are none."""
    image_hwc, alpha_hw = picture.rgb_hwc, picture.alpha_hw
    if alpha_hw is not None and (shown := alpha_hw >= _SEEN).any():
        return image_hwc[shown]
    return image_hwc.reshape(-1, 3)


def _bands(image_hwc: Array) -> Iterator[slice]:
    """Yield the rows of a picture in bands."""
    height, width, _ = image_hwc.shape
    rows = max(1, BAND // width)
    return (slice(start, start + rows) for start in range(0, height, rows))
