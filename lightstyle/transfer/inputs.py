"""The images of a run, read once at their own sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .. import images
from ..arrays import Array, Size
from ..errors import UsageError
from ..images import decoding_memory
from ..images.photo_tags import NO_TAGS, PhotoTags
from ..images.picture import Picture
from ..losses.targets import Region
from ..settings import blend
from ..settings.choices import PALETTES, Color, Init
from ..settings.in_memory import source
from ..settings.settings import Settings
from . import regions


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything that a run is made from, at the sizes at which it was read.

    Attributes:
        settings: Settings of the run; `init` is set.
        size: Width and height of the result.
        content: Content image, if the job has one.
        styles: Style images, if the job has any.
        palette: Image whose colours are taken, if the settings ask for any.
        start: Image that the run starts from; `None` for noise.
        regions: Parts of the picture, and what each is matched to.
        protected: (h, w), 0…1, where the content must stay, at any size; None if there
            is no such place.
        decoding: Most bytes that the process had while they were read, as predicted; 0
            if nobody asked.
    """

    settings: Settings
    size: Size
    content: Picture | None
    styles: tuple[Picture, ...]
    palette: Picture | None
    start: Picture | None
    regions: tuple[Region, ...]
    protected: Array | None = None
    decoding: int = 0

    @classmethod
    def read(
        cls,
        settings: Settings,
        size: Size,
        content: Picture | None = None,
        styles: Sequence[Picture] = (),
    ) -> Self:
        """Read the images that `settings` name, and check that they fit the others.

        Args:
            settings: Settings of the run; `init` is set.
            size: Width and height of the result.
            content: Content image, if the job has one.
            styles: Style images, if the job has any.

        Raises:
            UsageError: If the settings are for other images than there are.
            ImageError: If an image cannot be read or a mask cannot be used.
        """
        if styles:
            blend.scales(settings.style_scale, len(styles))
        return cls(
            settings,
            size,
            content,
            tuple(styles),
            _palette(settings, size, content),
            _start(settings, size, content, styles),
            regions.read(settings, content, styles),
            regions.protected(settings, content),
            decoding_memory.peak(),
        )

    @property
    def steered(self) -> bool:
        """Whether the weights are to be found, from a strength."""
        both = self.content is not None and bool(self.styles)
        return both and self.settings.dial is not None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All images, each once."""
        given = (self.content, *self.styles, self.palette, self.start)
        found = {id(picture): picture for picture in given if picture is not None}
        return tuple(found.values())

    @property
    def nbytes(self) -> int:
        """Memory of the images and masks, in bytes."""
        arrays = [self.protected]
        arrays += [a for each in self.pictures for a in (each.rgb_hwc, each.alpha_hw)]
        for region in self.regions:
            arrays += [region.mask, *(source.mask for source in region.sources)]
        return sum(array.nbytes for array in arrays if array is not None)

    @property
    def photo(self) -> PhotoTags:
        """What the file of the content says of the photo."""
        return NO_TAGS if self.content is None else self.content.photo

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about the images."""
        return tuple(note for picture in self.pictures for note in picture.notes)


def _palette(settings: Settings, size: Size, content: Picture | None) -> Picture | None:
    if settings.color == Color.STYLE:
        return None
    if settings.colors_of is not None:
        given = source(settings.colors_of)
        return images.load(given, role="colors-of", longest=max(size))
    if content is None:
        raise UsageError(
            f"--color {settings.color} takes the colours of the content, and a texture "
            "has no content: name a picture with --colors-of for --color "
            f"{' or '.join(PALETTES)}"
        )
    return content


def _start(
    settings: Settings, size: Size, content: Picture | None, styles: Sequence[Picture]
) -> Picture | None:
    """Return the image that `Settings.init` means."""
    if settings.init == Init.NOISE:
        return None
    if settings.init == Init.CONTENT and content is not None:
        return content
    if settings.init == Init.STYLE and styles:
        shares = blend.shares(settings.blend, len(styles))
        return styles[shares.index(max(shares))]  # the first of equals
    if settings.init in [*Init]:
        raise UsageError(
            f"init is {settings.init}, but this job has no {settings.init} image: "
            "choose another, or give the path of an image"
        )
    return images.load(source(settings.init), role="init", longest=max(size))
