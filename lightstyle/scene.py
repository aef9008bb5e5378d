"""The pictures of a run at the size that it works at: content, style and start."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import contract, images
from .errors import UsageError
from .images import Picture
from .settings import INITS, Settings

Array = NDArray[np.float32]

#: Width and height, in pixels.
Size = tuple[int, int]

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
        style: To paint like, if any.
        share: Of the result's size, for one of the levels on the way to it.
    """

    settings: Settings
    size: Size
    content: Picture | None = None
    style: Picture | None = None
    share: float = 1.0

    def at(self, size: Size) -> "Scene":
        """The scene of a level of `size`: the style is as much smaller as that is."""
        return replace(self, size=size, share=max(size) / max(self.size))

    @property
    def nbytes(self) -> int:
        """Of the pictures as they were read."""
        pictures = [p for p in (self.content, self.style) if p is not None]
        alphas = [p.alpha_hw for p in pictures if p.alpha_hw is not None]
        arrays = [p.rgb_hwc for p in pictures] + alphas
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
        pictures = (self.content, self.style)
        return tuple(note for p in pictures if p is not None for note in p.notes)

    def content_pixels(self) -> Array | None:
        """The content, (1, 3, H, W)."""
        if self.content is None:
            return None
        return images.to_pixels(images.resized(self.content, self.size).rgb_hwc)

    def style_pixels(self) -> Array | None:
        """The style, (1, 3, h, w), at its `style_size`."""
        size = self.style_size()
        if self.style is None or size is None:
            return None
        return images.to_pixels(images.resized(self.style, size).rgb_hwc)

    def style_size(self) -> Size | None:
        """`style_scale` of the result's size; no more than it has, unless told.

        Raises:
            UsageError: If the network cannot take it.
        """
        if self.style is None:
            return None
        longest = round(max(self.size) / self.share * self.settings.style_scale)
        long, short = sorted(self.style.rgb_hwc.shape[:2], reverse=True)
        # An elongated style stays wide enough for the network.
        least = math.ceil(contract.MINIMUM_SIDE * long / short)
        settings = replace(self.settings, size=max(longest, least))
        whole = fitted_size(self.style, settings, "style")
        share = max(self.share, contract.MINIMUM_SIDE / min(whole))
        return round(whole[0] * share), round(whole[1] * share)

    def start_pixels(self) -> Array:
        """What `init` names, with its share of noise, (1, 3, H, W)."""
        settings = self.settings
        width, height = self.size
        random = np.random.default_rng(settings.seed)
        noise = random.normal(NOISE_MEAN, NOISE_DEVIATION, (1, 3, height, width))
        if settings.init == "noise":
            return noise.astype(np.float32)
        picture = images.resized(self._start(), self.size)
        mixed, pixels = settings.init_noise, images.to_pixels(picture.rgb_hwc)
        return (mixed * noise + (1 - mixed) * pixels).astype(np.float32)

    def _start(self) -> Picture:
        init = str(self.settings.init)
        given = {"content": self.content, "style": self.style}.get(init)
        if given is not None:
            return given
        if init in INITS:
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
