"""Images in memory as values of settings, beside paths of files."""

import hashlib
import os
from typing import Any, Self

import numpy as np

from .scalars import path_text


class ImageInMemory(str):
    """An image that is not a file, under a name made of its digest.

    Settings compare, hash, print and store it by that name, as they do a path.

    Attributes:
        image: Array or PIL image; a copy.
        sha256: Digest of its pixels, hexadecimal.
    """

    image: Any
    sha256: str

    @classmethod
    def of(cls, image: Any) -> Self:
        """Take a copy of an array or a PIL image.

        Raises:
            ValueError: If `image` is neither.
        """
        if isinstance(image, np.ndarray):
            kept = image.copy()
            kept.flags.writeable = False
            described: tuple[Any, ...] = (kept.dtype.str, kept.shape)
        elif hasattr(image, "getpalette"):  # of PIL, which need not be imported here
            kept = image.copy()
            described = (image.mode, image.size, image.getpalette(), image.info)
        else:
            raise ValueError(f"neither an array nor an image: {type(image).__name__}")
        digest = hashlib.sha256(repr(described).encode())
        digest.update(kept.tobytes())
        made = cls(f"image-{digest.hexdigest()[:16]}")
        made.image, made.sha256 = kept, digest.hexdigest()
        return made


def source(value: str) -> Any:
    """Return what `images.load` takes: the image that `value` names, or its path."""
    return value.image if isinstance(value, ImageInMemory) else value


def path_or_image(value: Any) -> str:
    """Return a path as text, and an array or a PIL image as `ImageInMemory`.

    Raises:
        ValueError: If `value` is none of these, or a path that no file has.
    """
    if isinstance(value, ImageInMemory):
        return value
    if isinstance(value, str | os.PathLike):
        return path_text(value)
    return ImageInMemory.of(value)
