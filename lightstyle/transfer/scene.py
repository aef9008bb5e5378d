"""The pictures of a run at the size that it works at: content, style and start."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import contract, images
from ..arrays import Array, Size
from ..errors import UsageError
from ..images import color, masks
from ..images.picture import Picture
from ..losses.metrics import METRICS
from ..losses.targets import Region, StyleRegion, StyleTarget
from ..settings import blend
from ..settings.choices import Color, Init, Outside
from ..settings.settings import Settings
from . import regions

#: Mean and standard deviation of noise pictures, in grey levels. More noise than this
#: stays visible as grain after the usual number of iterations.
NOISE_MEAN, NOISE_DEVIATION = 127.5, 12.0


@dataclass(frozen=True, eq=False)
class Scene:
    """Pictures as they were read, and the size that the result will have.

    Attributes:
        settings: Of the run; `init` is set.
        size: Of the result.
        content: To keep, if any.
        styles: To paint like, any number.
        palette: Whose colours to take, if not the content's.
        regions: Of the picture, and which styles they are painted like.
        share: Of the result's size, for one of the levels on the way to it.
    """

    settings: Settings
    size: Size
    content: Picture | None = None
    styles: tuple[Picture, ...] = ()
    palette: Picture | None = None
    regions: tuple[Region, ...] = ()
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check that the settings are of as many styles, and read their masks.

        Raises:
            UsageError: If they are not, or there is no picture to take colours of.
            ImageError: If a mask cannot be used.
        """
        if self.styles:
            blend.scales(self.settings.style_scale, len(self.styles))
        if not self.regions:
            found = regions.read(self.settings, self.content, self.styles)
            object.__setattr__(self, "regions", found)
        if self.settings.color != Color.STYLE:
            self._color_source()

    def at(self, size: Size) -> "Scene":
        """The scene of a level of `size`: the style is as much smaller as that is."""
        return replace(self, size=size, share=max(size) / max(self.size))

    @property
    def nbytes(self) -> int:
        """Of the pictures as they were read."""
        pictures = self._pictures()
        alphas = [p.alpha_hw for p in pictures if p.alpha_hw is not None]
        arrays = [p.rgb_hwc for p in pictures] + alphas
        arrays += [mask for mask in self._masks() if mask is not None]
        return sum(array.nbytes for array in arrays)

    @cached_property
    def alpha_hw(self) -> Array | None:
        """Alpha of the result, (H, W), 0…255, where the content has some."""
        if self.content is None or self.content.alpha_hw is None:
            return None
        return images.resized(self.content, self.size).alpha_hw

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the pictures."""
        return tuple(note for picture in self._pictures() for note in picture.notes)

    def content_pixels(self) -> Array | None:
        """The content, (1, 3, H, W)."""
        if self.content is None:
            return None
        return images.to_pixels(self._as_content(self.content))

    @property
    def canvases(self) -> int:
        """Regions that the model is told of; none for the plain loss everywhere."""
        placed = any(region.mask is not None for region in self.regions)
        told = placed or METRICS[self.settings.style_loss] is not None
        return len(self.regions) if told else 0

    def canvas(self) -> Array | None:
        """What each pixel counts in each region, (R, H, W), if not all alike."""
        return regions.canvas(self.regions, self.size) if self.canvases else None

    def untouched(self, canvas_rhw: Array | None) -> NDArray[np.bool_] | None:
        """Pixels that stay the content's, (H, W), if any."""
        if canvas_rhw is None or self.settings.outside != Outside.KEEP:
            return None
        outside = regions.untouched(canvas_rhw)
        return outside if outside.any() else None

    def paintings(self) -> Iterator[StyleTarget]:
        """The styles of each region, when wanted."""
        for index, source, style, size in self._sources():
            pixels = images.to_pixels(self._as_style(style, size))
            mask = source.mask
            if mask is not None:
                mask = masks.resized(mask, size)
            yield StyleTarget(index, source.share, pixels, mask)

    def style_sizes(self) -> list[tuple[Size, bool]]:
        """Of each of `paintings`, and whether it has a mask.

        Raises:
            UsageError: If the network cannot take one.
        """
        return [
            (size, source.mask is not None) for _, source, _, size in self._sources()
        ]

    def _sources(self) -> Iterator[tuple[int, StyleRegion, Picture, Size]]:
        """Region, part, picture and size of each of `paintings`."""
        scale, count = self.settings.style_scale, len(self.styles)
        for index, region in enumerate(self.regions):
            for source in region.sources:
                style = self.styles[source.style]
                size = self._style_size(style, blend.scales(scale, count)[source.style])
                yield index, source, style, size

    def _masks(self) -> Iterator[Array | None]:
        for region in self.regions:
            yield region.mask
            yield from (source.mask for source in region.sources)

    def _style_size(self, style: Picture, scale: float) -> Size:
        """`scale` of the result's size; no more than it has, unless told."""
        longest = round(max(self.size) / self.share * scale)
        long, short = sorted(style.rgb_hwc.shape[:2], reverse=True)
        # An elongated style stays wide enough for the network.
        least = math.ceil(contract.MINIMUM_SIDE * long / short)
        settings = replace(self.settings, size=max(longest, least))
        whole = fitted_size(style, settings, "style")
        share = max(self.share, contract.MINIMUM_SIDE / min(whole))
        return round(whole[0] * share), round(whole[1] * share)

    def start_pixels(self) -> Array:
        """What `init` names, with its share of noise, (1, 3, H, W)."""
        settings = self.settings
        width, height = self.size
        random = np.random.default_rng(settings.seed)
        noise = random.normal(NOISE_MEAN, NOISE_DEVIATION, (1, 3, height, width))
        if settings.init == Init.NOISE:
            return noise.astype(np.float32)
        if settings.init == Init.STYLE and self.styles:
            image_hwc = self._as_style(self._leading(), self.size)
        else:
            image_hwc = self._as_content(self._start())
        mixed, pixels = settings.init_noise, images.to_pixels(image_hwc)
        return (mixed * noise + (1 - mixed) * pixels).astype(np.float32)

    def finished(self, image_hwc: Array) -> tuple[Array, tuple[str, ...]]:
        """What the optimisation made, (H, W, 3), 0…255, with its final colours.

        Returns:
            The picture, and what a person should know of its colours.
        """
        choice = self.settings.color
        notes: tuple[str, ...] = ()
        if choice in color.AFTER:
            made = Picture(image_hwc, self.alpha_hw)
            image_hwc, notes = color.finished(choice, made, self._colors())
        kept = self.untouched(self.canvas())
        if kept is not None and self.content is not None:
            own_hwc = images.resized(self.content, self.size).rgb_hwc
            image_hwc = np.where(kept[..., None], own_hwc, image_hwc)
        return image_hwc, notes

    def _pictures(self) -> list[Picture]:
        pictures = (self.content, *self.styles, self.palette)
        return [picture for picture in pictures if picture is not None]

    def _leading(self) -> Picture:
        """The style with the largest share, the first of equals."""
        shares = blend.shares(self.settings.blend, len(self.styles))
        return self.styles[shares.index(max(shares))]

    def _as_content(self, picture: Picture) -> Array:
        image_hwc = images.resized(picture, self.size).rgb_hwc
        return color.as_content(self.settings.color, image_hwc)

    def _as_style(self, picture: Picture, size: Size) -> Array:
        choice, resized = self.settings.color, images.resized(picture, size)
        if choice not in color.BEFORE:
            return resized.rgb_hwc
        return color.as_style(choice, resized, self._colors())

    def _colors(self) -> Picture:
        """Whose colours to take: the content at this size, or another, no larger."""
        picture = self._color_source()
        if picture is self.content:
            return images.resized(picture, self.size)
        height, width = picture.rgb_hwc.shape[:2]
        share = min(1.0, max(self.size) / max(height, width))
        size = max(1, round(width * share)), max(1, round(height * share))
        return images.resized(picture, size)

    def _color_source(self) -> Picture:
        picture = self.content if self.palette is None else self.palette
        if picture is None:
            raise UsageError(
                f"color is {self.settings.color}, but this job has no content whose "
                f"colours to take: give colors-of, for color "
                f"{' or '.join(c for c in Color if c.takes_palette)}"
            )
        return picture

    def _start(self) -> Picture:
        init = str(self.settings.init)
        if init == Init.CONTENT and self.content is not None:
            return self.content
        if init in [*Init]:
            raise UsageError(f"init is {init}, but this job has no such picture")
        return images.load(init, role="init")


def fitted_size(picture: Picture, settings: Settings, role: str) -> Size:
    """Size of `picture` with the longest side that `settings` ask for.

    Raises:
        UsageError: If a side would be shorter than the network takes.
        ImageError: If a side is.
    """
    height, width = picture.rgb_hwc.shape[:2]
    return images.fitted_size(
        width, height, settings.size, enlarge=settings.enlarge, role=role
    )
