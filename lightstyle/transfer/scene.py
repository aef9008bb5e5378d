"""The images of a run at the size of one of its levels."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import contract, images
from ..arrays import Array, Size
from ..images import color, masks
from ..images.frame import Frame, framed
from ..images.picture import Picture
from ..losses.metrics import METRICS
from ..losses.targets import StyleRegion, StyleTarget
from ..settings.choices import Outside
from ..settings.settings import Settings
from . import regions
from .inputs import Inputs
from .style_size import style_sizes


@dataclass(frozen=True, eq=False)
class Scene:
    """A view of the inputs at one size; images are resized when they are asked for.

    Attributes:
        inputs: The images as they were read.
        size: Width and height of the level.
        scale: Its size relative to the result's.
    """

    inputs: Inputs
    size: Size
    scale: float = 1.0

    @property
    def settings(self) -> Settings:
        """Settings of the run."""
        return self.inputs.settings

    @property
    def frame(self) -> Frame:
        """The frame that makes the picture a canvas."""
        return Frame(self.size)

    @cached_property
    def alpha_hw(self) -> Array | None:
        """Alpha of the picture, (H, W), 0…255, if the content has any."""
        content = self.inputs.content
        if content is None or content.alpha_hw is None:
            return None
        return images.resized(content, self.size).alpha_hw

    @property
    def region_count(self) -> int:
        """Number of regions in the guided loss; 0 for the plain loss."""
        placed = any(region.mask is not None for region in self.inputs.regions)
        placed = placed or self.inputs.protected is not None
        guided = placed or METRICS[self.settings.style_loss] is not None
        return len(self.inputs.regions) if guided else 0

    def masks_rhw(self) -> Array | None:
        """Compute the weight of each pixel of the canvas in each region, 0…1.

        Returns:
            The weights, (R, h, w), or `None` for the plain loss.
        """
        if not self.region_count:
            return None
        inputs = self.inputs
        masks_rhw = regions.masks_rhw(inputs.regions, self.size, inputs.protected)
        return self.frame.around(masks_rhw)

    @cached_property
    def frozen_hw(self) -> NDArray[np.bool_] | None:
        """Pixels of the canvas that stay the content's, (h, w), if there are any."""
        masks_rhw = self.masks_rhw()
        if masks_rhw is None or self.settings.outside != Outside.KEEP:
            return None
        frozen_hw = regions.frozen(masks_rhw)
        return frozen_hw if frozen_hw.any() else None

    @property
    def protected_hw(self) -> Array | None:
        """Where the canvas keeps the content, (h, w), 0…1, if anywhere."""
        protected = self.inputs.protected
        if protected is None:
            return None
        return self.frame.around(masks.resized(protected, self.size))

    def content_pixels(self) -> Array | None:
        """Return the content's canvas, (1, 3, h, w), if there is a content."""
        content = self.inputs.content
        if content is None:
            return None
        return self.frame.around(images.to_pixels(self.as_content(content)))

    def style_targets(self) -> Iterator[StyleTarget]:
        """Make the canvas of each region's style images, one at a time."""
        for index, source, style, size in self._sources():
            mask = source.mask
            if mask is not None:
                mask = framed(masks.resized(mask, size))
            pixels = framed(images.to_pixels(self.as_style(style, size)))
            yield StyleTarget(index, source.share, pixels, mask)

    def style_sizes(self) -> list[tuple[Size, bool]]:
        """Return the size of each of `style_targets`, and whether it has a mask.

        Raises:
            ImageError: If the network cannot take one.
        """
        return [
            (size, source.mask is not None) for _, source, _, size in self._sources()
        ]

    def composite(self, canvas_nchw: Array) -> tuple[Array, tuple[str, ...]]:
        """Cut the frame off, give the final colours, and put back frozen pixels.

        Args:
            canvas_nchw: The optimised canvas, (1, 3, h, w), 0…255.

        Returns:
            The picture, (H, W, 3), 0…255, and notes for the user about its colours.
        """
        image_hwc = images.from_pixels(self.frame.inside(canvas_nchw))
        choice = self.settings.color
        notes: tuple[str, ...] = ()
        if choice in color.AFTER:
            made = Picture(image_hwc, self.alpha_hw)
            image_hwc, notes = color.finished(choice, made, self._palette())
        if self.frozen_hw is not None and self.inputs.content is not None:
            own_hwc = images.resized(self.inputs.content, self.size).rgb_hwc
            frozen_hw = self.frame.inside(self.frozen_hw)
            image_hwc = np.where(frozen_hw[..., None], own_hwc, image_hwc)
        return image_hwc, notes

    def as_content(self, picture: Picture) -> Array:
        """Return a picture as the network sees a content, (H, W, 3), 0…255."""
        image_hwc = images.resized(picture, self.size).rgb_hwc
        return color.as_content(self.settings.color, image_hwc)

    def as_style(self, picture: Picture, size: Size) -> Array:
        """Return a picture as the network sees a style, (h, w, 3), at `size`."""
        choice, resized = self.settings.color, images.resized(picture, size)
        if choice not in color.BEFORE:
            return resized.rgb_hwc
        return color.as_style(choice, resized, self._palette())

    def _sources(self) -> Iterator[tuple[int, StyleRegion, Picture, Size]]:
        """Yield region, part, style image and size of each of `style_targets`."""
        sizes = style_sizes(self.inputs)
        for index, region in enumerate(self.inputs.regions):
            for source in region.sources:
                style, whole = self.inputs.styles[source.style], sizes[source.style]
                # As much smaller on a level as the level is.
                share = max(self.scale, contract.MINIMUM_SIDE / min(whole))
                size = round(whole[0] * share), round(whole[1] * share)
                yield index, source, style, size

    def _palette(self) -> Picture:
        """Return the image whose colours are taken, at most as large as the picture."""
        palette = self.inputs.palette
        assert palette is not None  # read where a colour setting needs it
        if palette is self.inputs.content:
            return images.resized(palette, self.size)
        width, height = palette.size
        share = min(1.0, max(self.size) / max(height, width))
        size = max(1, round(width * share)), max(1, round(height * share))
        return images.resized(palette, size)


def fitted_size(picture: Picture, settings: Settings, role: str) -> Size:
    """Compute the size of `picture` with the longest side that `settings` ask for.

    Raises:
        UsageError: If a side would be shorter than the network takes.
        ImageError: If a side is.
    """
    return images.fitted_size(
        picture.original_size, settings.size, enlarge=settings.enlarge, role=role
    )
